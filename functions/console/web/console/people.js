// Who is connected through a connector.
import { el } from '../shared/dom.js';
import { path } from './api.js';
import { connectionCard } from './connection-card.js';
import { head } from './connector-head.js';
import { button, empty } from './parts.js';
import { personHref } from './person.js';

export async function peopleOf(context) {
  const { api, parameters } = context;
  const where = path('connectors', parameters.id);
  const [connector, page, { apps }] = await Promise.all([
    api.get(where),
    api.get(`${where}/connections`),
    api.get('/apps'),
  ]);
  if (connector.kind === 'shared') return context.go(context.to('connectors', connector.id), { replace: true });
  const known = { api, provider: await api.provider(connector.integration_type) };
  const list = el('ul', { class: 'people' });
  const more = el('div', { class: 'buttons' });
  const card = (one) => {
    const { app_id: app, user } = one;
    const everything = el('a', { href: personHref(context.to, { app_id: app, ...user }) }, el('code', {}, user.sub));
    const about = [
      ['User', everything],
      ['App', apps.find(({ id }) => id === app)?.name ?? app],
    ];
    return connectionCard(known, one, { about, gone: context.again });
  };
  const show = ({ connections, next_cursor: cursor }) => {
    list.append(...connections.map(card));
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
