// What an assistant would have changed: said in words, then confirmed or declined by a person.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { rulesInWords } from './call-rules.js';
import { announce, button, copyable, facts, form, heading, initial, pill, section } from './parts.js';
import { actor, moment, people } from './words.js';

const VERBS = { add: 'Add', update: 'Change', delete: 'Delete' };

const STATES = {
  proposed: ['warn', 'Waits for you'],
  confirmed: ['good', 'Confirmed'],
  declined: ['', 'Declined'],
  expired: ['', 'Too old'],
  withdrawn: ['bad', 'Withdrawn'],
};

const FIELDS = {
  integration_type: 'Provider',
  name: 'Name',
  client_id: 'Client ID',
  client_secret_expires_on: 'Client secret ends on',
  scopes: 'Scopes',
  connection_config: 'Details',
  call_rules: 'Apps may call',
  offline_use: 'While users are away',
  kind: 'Whose account',
};

/** Values that say more in words. */
const VALUES = {
  kind: { per_user: 'Each person connects their own', shared: 'One account for the whole workspace' },
  offline_use: { true: 'Apps may use it', false: 'Nobody gets a token' },
};

const trail = ({ to }) => [['Connectors', to('connectors')]];

/** What waits for a person, as a section of the page of these connectors; nothing if nothing does. */
export function openProposals(proposals, connectors, to) {
  const open = proposals.filter((one) => one.status === 'proposed');
  if (open.length === 0) return undefined;
  const row = (one) => {
    const known = connectors.find(({ id }) => id === one.connector_id);
    const name = known?.name ?? one.connector.name ?? one.connector_id;
    return el(
      'li',
      { class: 'row' },
      initial(name, one.proposal_id),
      el(
        'div',
        { class: 'row-text' },
        el('h3', {}, el('a', { class: 'whole', href: to('proposals', one.proposal_id) }, `${VERBS[one.kind]} ${name}`)),
        el('p', { class: 'quiet small' }, `Until ${moment(one.expires_at)}`),
      ),
    );
  };
  return section(
    'Proposed',
    { lead: 'An assistant asks for these. Nothing is done until somebody has looked at it and confirms.' },
    el('ul', { class: 'rows card' }, open.map(row)),
  );
}

/** One proposal. */
export async function proposal(context) {
  const { api, parameters } = context;
  const [found, providers, { keys }] = await Promise.all([
    api.get(path('proposals', parameters.id)),
    api.providers(),
    // Not everybody who may look at proposals may look at keys: then their ids say who it was.
    api.get('/keys').catch(() => ({ keys: [] })),
  ]);
  const who = (by) => actor(by, (id) => keys.find((one) => one.key_id === id)?.name);
  const provider = providers.get(found.integration_type)?.name ?? found.integration_type;
  const name = found.name ?? found.connector.name ?? found.connector_id;
  const [kind, text] = STATES[found.status];
  const mayDecide = found.status === 'proposed' && api.mayWrite;
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: trail(context),
      title: `${VERBS[found.kind]} ${name}?`,
      state: pill(kind, text),
      lead: wish(found.kind, name, provider),
    }),
    found.outdated &&
      note('warn', el('p', {}, 'The connector was changed since. Decline this, and have it proposed again.')),
    found.obstacle && !found.outdated && note('warn', el('p', {}, obstacle(found.obstacle))),
    found.status === 'withdrawn' &&
      note(
        'bad',
        el(
          'p',
          {},
          'The key that proposed this was revoked since, and what it asked for went with it. Nothing was done.',
        ),
      ),
    (found.changes.length > 0 || found.needs_client_secret) &&
      section('What it would be', {}, changes(found, provider)),
    consequence(found),
    found.redirect_uri &&
      mayDecide &&
      section(
        'Redirect URI',
        { lead: 'Register exactly this address with your OAuth client, before or after you confirm.' },
        copyable(found.redirect_uri, 'the redirect URI'),
      ),
    mayDecide && decide(context, found, name),
    section(
      'Who and when',
      {},
      el(
        'div',
        { class: 'card panel' },
        facts([
          ['Proposed by', who(found.proposed_by)],
          ['Proposed', moment(found.created_at)],
          ['Can be confirmed until', found.status === 'proposed' && moment(found.expires_at)],
          ['Decided by', found.decided_by && who(found.decided_by)],
          ['Decided', found.decided_at && moment(found.decided_at)],
        ]),
      ),
    ),
  );
}

/** What keeps it from being confirmed; another name is for the person to choose. */
const obstacle = ({ detail, pointer }) =>
  pointer ? `${detail} Choose another one below.` : `It can’t be confirmed now. ${detail}`;

function wish(kind, name, provider) {
  if (kind === 'add') return `An assistant wants to add a connector to ${provider}, called ${name}.`;
  if (kind === 'update') return `An assistant wants to change the connector ${name}.`;
  return `An assistant wants to delete the connector ${name}.`;
}

/** Rules in words; without any, everything may be called. */
const rules = (value) => rulesInWords(value && Object.keys(value).length > 0 ? value : undefined) ?? 'Everything';

function changes({ kind, changes: all, needs_client_secret: needsSecret, status }, provider) {
  const shown = (name, value) => {
    if (name === 'integration_type') return provider;
    if (name === 'call_rules') return rules(value);
    if (VALUES[name]?.[value]) return VALUES[name][value];
    if (value === null || value === '') return el('span', { class: 'quiet' }, 'nothing');
    if (Array.isArray(value)) return value.length ? value.map((one) => el('code', { class: 'block' }, one)) : 'none';
    return el('code', {}, typeof value === 'object' ? JSON.stringify(value) : String(value));
  };
  const row = ({ field: name, from, to }) => [
    FIELDS[name] ?? name,
    kind === 'add'
      ? el('div', {}, shown(name, to))
      : el(
          'div',
          {},
          el('div', { class: 'quiet' }, 'Now: ', shown(name, from)),
          el('div', {}, 'Then: ', shown(name, to)),
        ),
  ];
  const secret = status === 'proposed' && needsSecret && 'Needed: whoever confirms enters it';
  return el('div', { class: 'card panel' }, facts([...all.map(row), ['Client secret', secret]]));
}

/** Whom it concerns, in a sentence. */
function consequence({ kind, status, people: concerned }) {
  if (status !== 'proposed' || kind === 'add') return undefined;
  const who = people(concerned.number, concerned.more);
  if (kind === 'delete')
    return note('bad', el('p', {}, `${who} would lose the connection, and the grants are ended at the provider.`));
  if (concerned.number === 0) return note('good', el('p', {}, 'Nobody would have to connect again.'));
  return note('warn', el('p', {}, `${who} would have to connect again.`));
}

function decide(context, found, name) {
  const { api, go, to } = context;
  const where = path('proposals', found.proposal_id);
  const input = (more) => el('input', { autocomplete: 'off', spellcheck: 'false', ...more });
  const called = field({
    label: 'Connector name',
    pointer: '/name',
    control: input({ type: 'text', value: name, maxlength: '100' }),
  });
  const secret = field({
    label: 'Client secret',
    hint: 'From the provider. The assistant has not seen it, and never will.',
    pointer: '/client_secret',
    control: input({ type: 'password', class: 'mono', autocomplete: 'new-password' }),
  });
  const fields = [];
  if (found.kind === 'add') fields.push(called);
  if (found.needs_client_secret) fields.push(secret);
  const send = async () => {
    if (fields.includes(secret) && !secret.value()) {
      secret.show('Paste the client secret.');
      secret.control.focus();
      return;
    }
    const body = {};
    if (fields.includes(called) && called.value() !== name) body.name = called.value();
    if (fields.includes(secret)) body.client_secret = secret.value();
    await api.post(`${where}/confirm`, body);
    secret.control.value = '';
    await go(found.kind === 'delete' ? to('connectors') : to('connectors', found.connector_id));
    announce('Done, as it was proposed.');
  };
  const decline = button('Decline', {
    action: async () => {
      await api.post(`${where}/decline`);
      await go(to('connectors'));
      announce('Declined. Nothing was done.');
    },
  });
  // What can't be confirmed as things are can be let be.
  if (found.obstacle && !found.obstacle.pointer)
    return section('Your decision', {}, el('div', { class: 'buttons' }, decline));
  return section(
    'Your decision',
    {},
    form(fields, {
      children: fields.map((one) => one.node),
      send,
      yes: found.kind === 'delete' ? `Delete ${name}` : 'Confirm',
      kind: found.kind === 'delete' ? 'primary danger' : 'primary',
      cancel: decline,
    }),
  );
}
