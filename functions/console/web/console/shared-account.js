// The account that all apps of the workspace share through one connector.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { connect, whyNot } from './connecting.js';
import { announce, ask, button, facts, failure } from './parts.js';
import { scopeList } from './scopes.js';
import { actor, connectionState, count, moment, utcDay } from './words.js';

/** What is connected, and what can be done about it. */
export function sharedAccount(context, connector, provider) {
  const { api } = context;
  const { connection } = connector;
  const trouble = el('div', { role: 'alert' });
  const connectOne = async () => {
    try {
      await connectHere(context, connector, trouble);
    } catch (problem) {
      trouble.replaceChildren(failure(problem));
    }
  };
  const buttons = api.mayWrite && [
    button(connection ? 'Reconnect' : 'Connect', {
      kind: connection && !connection.reconnect_required ? '' : 'primary',
      action: connectOne,
    }),
    connection && button('Disconnect', { kind: 'danger', action: () => disconnect(context, connector) }),
  ];
  return el(
    'div',
    { class: 'card panel' },
    connection ? known(connection, provider) : el('p', { class: 'quiet' }, 'No account is connected yet.'),
    trouble,
    buttons && el('div', { class: 'buttons' }, buttons),
  );
}

function known(connection, provider) {
  const [, text, why] = connectionState(connection);
  const { account, missing_scopes: missing } = connection;
  const name = account?.label || account?.email || account?.id || 'An account that the provider does not name';
  const email = account?.email;
  return [
    el('h3', {}, name),
    email && email !== name && el('p', { class: 'quiet small' }, email),
    facts([
      ['State', why ? `${text}. ${why}.` : text],
      ['Connected', moment(connection.connected_at)],
      ['Connected by', connection.connected_by && actor(connection.connected_by, () => undefined)],
      ['Last used', utcDay(connection.last_used_on)],
      ['Granted', scopeList(connection.granted_scopes, provider)],
    ]),
    missing.length > 0 &&
      note(
        'warn',
        el('p', {}, `${count(missing.length, 'permission is', 'permissions are')} missing`),
        scopeList(missing, provider),
      ),
  ];
}

async function connectHere({ api, base, again }, connector, trouble) {
  trouble.replaceChildren();
  if (new URL(base).origin !== location.origin) {
    trouble.replaceChildren(note('warn', el('p', {}, 'Open the console at ', el('code', {}, base), ' to connect.')));
    return;
  }
  const status = await connect(() => api.begin(path('connectors', connector.id, 'connect')));
  if (status === undefined) return;
  const reason = whyNot(status);
  if (reason) {
    trouble.replaceChildren(note('bad', el('p', {}, reason)));
    return;
  }
  await again();
  announce('The account is connected. Every app of the workspace can use it now.');
}

const REVOCATIONS = {
  revoked: 'and the grant is ended at the provider.',
  pending: 'and the grant is being ended at the provider.',
};

async function disconnect({ api, again }, connector) {
  const done = await ask({
    title: `Disconnect the account of ${connector.name}?`,
    body: [
      el(
        'p',
        {},
        'No app of the workspace can use it from now on, and the grant is ended at the provider. It can be connected again at any time.',
      ),
    ],
    yes: 'Disconnect',
    kind: 'primary danger',
    action: () => api.delete(path('connectors', connector.id, 'connection')),
  });
  if (!done) return;
  await again();
  announce(
    `The account is disconnected, ${REVOCATIONS[done.revocation] ?? 'but the provider has not ended the grant.'}`,
  );
}
