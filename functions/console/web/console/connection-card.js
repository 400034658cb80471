// One person's connection through one connector: how it stands, what was granted, and its end.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { announce, ask, button, pill } from './parts.js';
import { scopeList } from './scopes.js';
import { connectionState, count, day, utcDay } from './words.js';

/** What a person is called here: by their account at the provider, else by their id in the app. */
export const nameOf = (connection) =>
  connection.account?.label || connection.account?.email || connection.label || connection.user.sub;

/**
 * A connection as an entry of a list. `title` heads it, `about` are facts beside those that each has, and `gone` is called
 * when it is disconnected.
 */
export function connectionCard({ api, provider }, connection, { title, about = [], gone }) {
  const [kind, text, why] = connectionState(connection);
  const missing = connection.missing_scopes;
  const name = nameOf(connection);
  const email = connection.account?.email;
  const granted = el(
    'details',
    {},
    el('summary', {}, `${count(connection.granted_scopes.length, 'permission', 'permissions')} granted`),
    scopeList(connection.granted_scopes, provider),
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
        el('h2', { class: 'as-h3' }, title ?? name),
        title && el('p', { class: 'small' }, name),
        email && email !== name && el('p', { class: 'quiet small' }, email),
      ),
      pill(kind, text),
    ),
    why && el('p', { class: 'small' }, `${why}.`),
    el(
      'dl',
      { class: 'facts wide' },
      about.map(([label, value]) => fact(label, value)),
      fact('Connected', day(connection.connected_at)),
      fact('Last used', utcDay(connection.last_used_on)),
    ),
    granted,
    missing.length > 0 &&
      note(
        'warn',
        el('p', {}, `${count(missing.length, 'permission is', 'permissions are')} missing`),
        scopeList(missing, provider),
      ),
    api.mayWrite &&
      el(
        'div',
        { class: 'buttons' },
        button('Disconnect', {
          kind: 'danger',
          label: `Disconnect ${name}`,
          action: () => disconnect(api, connection, node, gone),
        }),
      ),
  );
  return node;
}

const fact = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));

const REVOCATIONS = {
  revoked: 'and the grant is ended at the provider.',
  pending: 'and the grant is being ended at the provider.',
  unsupported: 'but this provider has no way to end a grant: the person can do it in their account there.',
  failed: 'but the provider refused to end the grant: the person can do it in their account there.',
};

async function disconnect(api, connection, node, gone) {
  const name = nameOf(connection);
  const { app_id, connector_id, connection_id, user } = connection;
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
      api.delete(path('connectors', connector_id, 'connections', connection_id), {
        app_id,
        issuer: user.issuer,
        sub: user.sub,
      }),
  });
  if (!done) return;
  const list = node.parentElement;
  node.remove();
  announce(`${name} is disconnected, ${REVOCATIONS[done.revocation] ?? 'too.'}`);
  if (list.childElementCount === 0) gone();
  else document.querySelector('h1')?.focus();
}
