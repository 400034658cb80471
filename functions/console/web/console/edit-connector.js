// Changing a connector. Before anything is saved, it is said how many people have to connect again because of it.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { announce, ask, facts, form, heading, section } from './parts.js';
import { scopesField } from './scopes.js';
import { count, day, people } from './words.js';

export async function editConnector(context) {
  const { api, go, to, parameters } = context;
  const where = path('connectors', parameters.id);
  const connector = await api.get(where);
  const provider = await api.provider(connector.integration_type);
  const { fields, changes } = controls(connector, provider);
  const back = to('connectors', connector.id);
  const send = async () => {
    const change = changes();
    if (Object.keys(change).length === 0) {
      await go(back);
      return announce('Nothing was changed.');
    }
    const affected = await whoMustReconnect(api, where, connector, change);
    const save = () => api.put(where, change);
    const saved = affected.number > 0 ? await confirm(connector, change, affected, save) : await save();
    if (!saved) return undefined;
    await go(back);
    return announce(
      affected.number > 0 ? 'Saved. They are asked to connect again.' : 'Saved. Nobody has to connect again.',
    );
  };
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings'], ['Integrations'], ['Connectors', to('connectors')], [connector.name, back]],
      title: `Edit ${connector.name}`,
    }),
    fixed(connector, provider),
    section(
      'What may change',
      {},
      form(fields, {
        children: fields.map((one) => one.node),
        send,
        yes: 'Save',
        also: { conflict: '/name' },
        cancel: el('a', { class: 'button', href: back }, 'Cancel'),
      }),
    ),
  );
}

function controls(connector, provider) {
  const input = (more) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...more });
  const changed = connector.client_secret_changed_at;
  const name = field({ label: 'Connector name', pointer: '/name', control: input({ value: connector.name }) });
  const clientId = field({
    label: 'Client ID',
    hint: 'With another one everybody has to connect again: grants belong to the client that they were given to.',
    pointer: '/client_id',
    control: input({ class: 'mono', value: connector.client_id }),
  });
  const secret = field({
    label: 'New client secret',
    hint: `Leave it empty to keep the one ${changed ? `from ${day(changed)}` : 'that is set'}. With a new one nobody notices anything.`,
    pointer: '/client_secret',
    control: el('input', { type: 'password', class: 'mono', autocomplete: 'new-password' }),
  });
  const expires = field({
    label: 'Client secret ends on',
    hint: 'If the provider says so. You are told under Health before it does.',
    pointer: '/client_secret_expires_on',
    control: el('input', { type: 'date', value: connector.client_secret_expires_on ?? '' }),
  });
  const scopes = scopesField(connector.scopes, provider?.suggested_scopes);
  const changes = () => {
    const change = {};
    if (name.value() !== connector.name) change.name = name.value();
    if (clientId.value() !== connector.client_id) change.client_id = clientId.value();
    if (secret.value()) change.client_secret = secret.value();
    // A new secret forgets the day of the old one: it is said again with it.
    if (expires.value() !== (connector.client_secret_expires_on ?? '') || (secret.value() && expires.value()))
      change.client_secret_expires_on = expires.value() || null;
    const wanted = scopes.value();
    const isSame = wanted.length === connector.scopes.length && wanted.every((one) => connector.scopes.includes(one));
    if (!isSame) change.scopes = wanted;
    return change;
  };
  return { fields: [name, clientId, secret, expires, scopes], changes };
}

/** What is decided once: another value would send people and secrets elsewhere. */
function fixed(connector, provider) {
  const config = Object.entries(connector.connection_config).map(([name, value]) => [
    provider?.vars?.[name]?.label ?? name,
    value,
  ]);
  return section(
    'What stays',
    { lead: 'For another provider, or other values of these, add another connector.' },
    el(
      'div',
      { class: 'card panel' },
      facts([
        ['Provider', provider?.name ?? connector.integration_type],
        ['Redirect URI', el('code', {}, connector.redirect_uri)],
        ...config,
      ]),
    ),
  );
}

/** How many people do not have to connect again now, and will have to after the change. */
async function whoMustReconnect(api, where, connector, { client_id, scopes }) {
  const isMore = scopes?.some((scope) => !connector.scopes.includes(scope));
  if (client_id === undefined && !isMore) return { number: 0, isMore: false };
  const foreseen = await api.post(`${where}/foresee`, { client_id, scopes });
  return { number: foreseen.must_reconnect, isMore: !foreseen.complete };
}

function confirm(connector, change, { number, isMore }, save) {
  const who = people(number, isMore);
  const verb = number === 1 && !isMore ? 'has' : 'have';
  const added = (change.scopes ?? []).filter((scope) => !connector.scopes.includes(scope));
  const until = change.client_id
    ? 'Their tokens end with the old client, sooner or later: until they have connected again, apps may get none.'
    : 'Until they have, their connections work as before, and apps are told what is missing.';
  return ask({
    title: `${who} ${verb} to connect again`,
    body: [
      note('warn', el('p', {}, until)),
      added.length > 0 && el('p', {}, `${count(added.length, 'permission is', 'permissions are')} new:`),
      added.length > 0 &&
        el(
          'ul',
          { class: 'scopes' },
          added.map((scope) => el('li', {}, el('code', {}, scope))),
        ),
    ],
    yes: 'Save all the same',
    no: 'Back',
    action: save,
  });
}
