// Changing a connector. Before anything is saved, it is said how many people have to connect again because of it.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { callRulesFields } from './call-rules.js';
import { offlineUseField } from './offline-use.js';
import { announce, ask, facts, form, heading, section } from './parts.js';
import { scopesField } from './scopes.js';
import { setVars } from './vars.js';
import { count, day, people } from './words.js';

export async function editConnector(context) {
  const { api, go, to, parameters } = context;
  const where = path('connectors', parameters.id);
  const connector = await api.get(where);
  const provider = await api.provider(connector.integration_type);
  const { fields, children, changes } = controls(connector, provider);
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
    return announce(said(connector, affected.number > 0));
  };
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [
        ['Connectors', to('connectors')],
        [connector.name, back],
      ],
      title: `Edit ${connector.name}`,
    }),
    fixed(connector, provider),
    section(
      'What may change',
      {},
      form(fields, {
        children,
        send,
        yes: 'Save',
        also: { conflict: '/name' },
        cancel: el('a', { class: 'button', href: back }, 'Cancel'),
      }),
    ),
  );
}

function said({ kind }, isAffected) {
  if (kind === 'shared')
    return isAffected ? 'Saved. Connect the account again.' : 'Saved. The account stays connected.';
  return isAffected ? 'Saved. They are asked to connect again.' : 'Saved. Nobody has to connect again.';
}

function controls(connector, provider) {
  const isShared = connector.kind === 'shared';
  const input = (more) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...more });
  const changed = connector.client_secret_changed_at;
  const name = field({ label: 'Connector name', pointer: '/name', control: input({ value: connector.name }) });
  const clientId = field({
    label: 'Client ID',
    hint: `With another one ${isShared ? 'the account has to be connected' : 'everybody has to connect'} again: grants belong to the client that they were given to.`,
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
  const offline = offlineUseField(connector.offline_use);
  const rules = callRulesFields(connector.call_rules);
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
    const allowed = rules.changed();
    if (allowed) change.call_rules = allowed;
    const isAway = isShared ? undefined : offline.changed();
    if (isAway !== undefined) change.offline_use = isAway;
    return change;
  };
  // What all apps share has no user who could be away.
  const plain = [name, clientId, secret, expires, scopes, ...(isShared ? [] : [offline])];
  return { fields: [...plain, ...rules.fields], children: [...plain.map((one) => one.node), rules.node], changes };
}

/** What is decided once: another value would send people and secrets elsewhere. */
function fixed(connector, provider) {
  return section(
    'What stays',
    { lead: 'For another provider, or other values of these, add another connector.' },
    el(
      'div',
      { class: 'card panel' },
      facts([
        ['Provider', provider?.name ?? connector.integration_type],
        ['Redirect URI', el('code', {}, connector.redirect_uri)],
        ...setVars(connector, provider),
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

/** What holds until it is connected again, after another client or more scopes. */
const UNTIL = {
  per_user: {
    client:
      'Their tokens end with the old client, sooner or later: until they have connected again, apps may get none.',
    scopes: 'Until they have, their connections work as before, and apps are told what is missing.',
  },
  shared: {
    client:
      'Its tokens end with the old client, sooner or later: until you have connected it again, apps may get none.',
    scopes: 'Until you have, it works as before, and apps are told what is missing.',
  },
};

function confirm(connector, change, { number, isMore }, save) {
  const isShared = connector.kind === 'shared';
  const verb = number === 1 && !isMore ? 'has' : 'have';
  const added = (change.scopes ?? []).filter((scope) => !connector.scopes.includes(scope));
  const until = UNTIL[isShared ? 'shared' : 'per_user'][change.client_id ? 'client' : 'scopes'];
  return ask({
    title: isShared ? 'The account has to be connected again' : `${people(number, isMore)} ${verb} to connect again`,
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
