// One connector: what it is, how it does, and its end.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { announce, ask, button, copyable, facts, section } from './parts.js';
import { rulesInWords } from './call-rules.js';
import { checkup } from './checkup.js';
import { head } from './connector-head.js';
import { scopeList } from './scopes.js';
import { setVars } from './vars.js';
import { day, moment, people, utcDay } from './words.js';

export async function connector(context) {
  const { api, to, parameters } = context;
  const where = path('connectors', parameters.id);
  const [examined, page] = await Promise.all([api.get(where), api.get(`${where}/connections`)]);
  const provider = await api.provider(examined.integration_type);
  const isConnected = Boolean(examined.connection) || page.connections.length > 0;
  const actions = api.mayWrite && [
    el('a', { class: 'button', href: to('connectors', examined.id, 'edit') }, 'Edit'),
    button('Delete connector', { kind: 'danger', action: () => end(context, examined, page) }),
  ];
  return el(
    'div',
    { class: 'view' },
    head(context, examined, '', actions || []),
    examined.kind === 'shared' && (await account(context, examined, provider)),
    section('How it does', {}, checkup(context, examined, { provider, isConnected })),
    section('Settings', {}, settings(examined, provider, page)),
    section(
      'Redirect URI',
      { lead: 'Must be registered with the OAuth client at the provider, to the letter.' },
      copyable(examined.redirect_uri, 'the redirect URI'),
    ),
    examined.key &&
      section(
        'Address of its public key',
        {
          lead: 'The provider knows the client by this key instead of a secret, or binds tokens to it: register the address there.',
        },
        copyable(examined.key.jwks_uri, 'the address of the key'),
      ),
    section(
      'For developers',
      {
        lead:
          examined.kind === 'shared'
            ? `What apps’ backends name: connectors.getWorkspaceConnection(id), or getConnection('${examined.integration_type}').`
            : 'The ID that apps name: connectors.connectAppUser(id).',
      },
      copyable(examined.id, 'the connector ID'),
    ),
  );
}

async function account(context, examined, provider) {
  const [{ sharedAccount }, { keys }] = await Promise.all([import('./shared-account.js'), context.api.get('/keys')]);
  const keyName = (id) => keys.find((one) => one.key_id === id)?.name;
  const lead = 'Every app of the workspace uses this one account.';
  return section('Account', { lead }, sharedAccount(context, examined, provider, keyName));
}

function settings(connector, provider, page) {
  const secret = connector.client_secret_changed_at
    ? `Last changed ${day(connector.client_secret_changed_at)}`
    : connector.has_client_secret
      ? 'Set'
      : 'None';
  return el(
    'div',
    { class: 'card panel' },
    facts([
      ['Provider', provider?.name ?? connector.integration_type],
      [
        'Whose account',
        connector.kind === 'shared'
          ? 'One account for the whole workspace: every app uses it, for all its users'
          : 'Each person connects their own: apps act for a person with that person’s account only',
      ],
      ['Client ID', el('code', {}, connector.client_id)],
      ['Client secret', secret],
      ['Secret ends on', connector.client_secret_expires_on && utcDay(connector.client_secret_expires_on)],
      ['Scopes', scopeList(connector.scopes, provider)],
      ...setVars(connector, provider),
      [
        'While users are away',
        connector.kind !== 'shared' && (connector.offline_use ? 'Apps may use it' : 'Nobody gets a token'),
      ],
      ['Apps may call', rulesInWords(connector.call_rules)],
      ['Connected', connector.kind !== 'shared' && people(page.connections.length, Boolean(page.next_cursor))],
      ['Added', moment(connector.created_at)],
      ['Last changed', moment(connector.updated_at)],
    ]),
  );
}

async function end({ api, go, to }, connector, page) {
  const number = page.connections.length;
  const isMore = Boolean(page.next_cursor);
  const whose =
    connector.kind === 'shared'
      ? connector.connection
        ? 'Every app of the workspace loses the account at once.'
        : 'No account is connected through it.'
      : number === 0
        ? 'Nobody is connected through it.'
        : `${people(number, isMore)} lose the connection at once.`;
  const revoke = el('input', { type: 'checkbox', checked: true });
  const label = el(
    'label',
    { class: 'choice' },
    revoke,
    el(
      'span',
      {},
      'End the grants at the provider too',
      el('span', { class: 'quiet small block' }, 'Otherwise they live on there until they end by themselves.'),
    ),
  );
  const done = await ask({
    title: `Delete ${connector.name}?`,
    body: [
      note(
        'bad',
        el('p', {}, el('strong', {}, whose.replace('1 person lose', '1 person loses'))),
        el('p', {}, 'Apps find no connection from then on, and nobody can connect through it. This can’t be undone.'),
      ),
      (number > 0 || connector.connection) && label,
    ],
    typed: connector.name,
    yes: 'Delete connector',
    no: 'Keep it',
    kind: 'primary danger',
    action: () => api.delete(path('connectors', connector.id), { revoke: revoke.checked }),
  });
  if (!done) return;
  await go(to('connectors'));
  announce(`${connector.name} is deleted.`);
}
