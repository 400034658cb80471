// Who is connected through a connector.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { head } from './connector.js';
import { announce, ask, button, empty, pill } from './parts.js';
import { scopeList } from './scopes.js';
import { connectionState, count, day, utcDay } from './words.js';

export async function peopleOf(context) {
  const { api, parameters } = context;
  const where = path('connectors', parameters.id);
  const [connector, page, { apps }] = await Promise.all([
    api.get(where),
    api.get(`${where}/connections`),
    api.get('/apps'),
  ]);
  if (connector.kind === 'shared') return context.go(context.to('connectors', connector.id), { replace: true });
  const known = { ...context, connector, apps, provider: await api.provider(connector.integration_type) };
  const list = el('ul', { class: 'people' });
  const more = el('div', { class: 'buttons' });
  const show = ({ connections, next_cursor: cursor }) => {
    list.append(...connections.map((one) => person(known, one)));
    const next = async () => show(await api.get(`${where}/connections`, { cursor }));
    more.replaceChildren(...(cursor ? [button('Show more', { action: next })] : []));
  };
  show(page);
  const isEmpty = page.connections.length === 0 && !page.next_cursor;
  const text = 'When somebody presses Connect in one of your apps and agrees at the provider, they appear here.';
  return el(
    'div',
    { class: 'view' },
    head(context, connector, 'people'),
    isEmpty ? empty('plug', 'Nobody is connected yet', text) : [list, more],
  );
}

/** What a person is called here: by their account at the provider, else by their id in the app. */
const nameOf = (connection) =>
  connection.account?.label || connection.account?.email || connection.label || connection.user.sub;

function person(known, connection) {
  const [kind, text, why] = connectionState(connection);
  const app = known.apps.find((one) => one.id === connection.app_id);
  const missing = connection.missing_scopes;
  const name = nameOf(connection);
  const email = connection.account?.email;
  const granted = el(
    'details',
    {},
    el('summary', {}, `${count(connection.granted_scopes.length, 'permission', 'permissions')} granted`),
    scopeList(connection.granted_scopes, known.provider),
  );
  const node = el(
    'li',
    { class: 'card person' },
    el(
      'div',
      { class: 'person-head' },
      el(
        'div',
        { class: 'row-text' },
        el('h2', { class: 'as-h3' }, name),
        email && email !== name && el('p', { class: 'quiet small' }, email),
      ),
      pill(kind, text),
    ),
    why && el('p', { class: 'small' }, `${why}.`),
    el(
      'dl',
      { class: 'facts wide' },
      entry('User', el('code', {}, connection.user.sub)),
      entry('App', app?.name ?? connection.app_id),
      entry('Connected', day(connection.connected_at)),
      entry('Last used', utcDay(connection.last_used_on)),
    ),
    granted,
    missing.length > 0 &&
      note(
        'warn',
        el('p', {}, `${count(missing.length, 'permission is', 'permissions are')} missing`),
        scopeList(missing, known.provider),
      ),
    known.api.mayWrite &&
      el(
        'div',
        { class: 'buttons' },
        button('Disconnect', {
          kind: 'danger',
          label: `Disconnect ${name}`,
          action: () => disconnect(known, connection, node),
        }),
      ),
  );
  return node;
}

const entry = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));

const REVOCATIONS = {
  revoked: 'and the grant is ended at the provider.',
  pending: 'and the grant is being ended at the provider.',
  unsupported: 'but this provider has no way to end a grant: the person can do it in their account there.',
  failed: 'but the provider refused to end the grant: the person can do it in their account there.',
};

async function disconnect({ api, connector, again }, connection, node) {
  const name = nameOf(connection);
  const { app_id, user } = connection;
  const done = await ask({
    title: `Disconnect ${name}?`,
    body: [
      el(
        'p',
        {},
        'Apps can’t use this account any more from now on, and the grant is ended at the provider. The person can connect again at any time.',
      ),
    ],
    yes: 'Disconnect',
    kind: 'primary danger',
    action: () =>
      api.delete(path('connectors', connector.id, 'connections', connection.connection_id), {
        app_id,
        issuer: user.issuer,
        sub: user.sub,
      }),
  });
  if (!done) return;
  const list = node.parentElement;
  node.remove();
  announce(`${name} is disconnected, ${REVOCATIONS[done.revocation] ?? 'too.'}`);
  if (list.childElementCount === 0) again();
  else document.querySelector('h1')?.focus();
}
