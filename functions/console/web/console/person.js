// One person: everything that they have connected, through whichever connector, and the end of all of it.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { connectionCard } from './connection-card.js';
import { announce, ask, button, empty, facts, heading, section } from './parts.js';
import { count } from './words.js';

/** Where everything of a person is. */
export const personHref = (to, { app_id: app, issuer, sub }) => to('people', app, sub, ...(issuer ? [issuer] : []));

export async function person(context) {
  const { api, parameters, to } = context;
  const { app, sub, issuer } = parameters;
  const [found, { apps }, { connectors }, providers] = await Promise.all([
    api.get(path('apps', app, 'users', sub, 'connections'), { issuer, sub }),
    api.get('/apps'),
    api.get('/connectors'),
    api.providers(),
  ]);
  const cards = found.connections.map((one) => {
    const connector = connectors.find(({ id }) => id === one.connector_id);
    const name = connector?.name ?? one.connector_id;
    const known = { api, provider: providers.get(connector?.integration_type) };
    const title = el('a', { href: to('connectors', one.connector_id) }, name);
    return connectionCard(known, one, { title, gone: context.again });
  });
  const text =
    'Nobody with this ID has a connection now. IDs are compared to the letter, with what “sub” says in the tokens that your sign-in gives its users.';
  return el(
    'div',
    { class: 'view' },
    heading({ trail: [['People', to('people')]], title: found.sub, lead: 'All that this person has connected.' }),
    el(
      'div',
      { class: 'card panel' },
      facts([
        ['App', apps.find(({ id }) => id === found.app_id)?.name ?? found.app_id],
        ['Signed in by', el('code', {}, found.issuer)],
      ]),
    ),
    found.unreadable > 0 &&
      note(
        'warn',
        el('p', {}, `${count(found.unreadable, 'connection', 'connections')} can’t be read, and are left as they are.`),
        el('p', {}, 'Whoever has access to the table can look at them: the log says which.'),
      ),
    cards.length > 0 ? el('ul', { class: 'people' }, cards) : empty('person', 'Nothing is connected', text),
    api.mayWrite && forgetting(context, found),
  );
}

function forgetting(context, found) {
  return section(
    'Delete this person’s data',
    {
      lead: 'When somebody asks for it, or their account in your app is gone. Ends all their connections here at once and their grants at the providers in the background; a sign-in that they have begun connects nothing any more.',
    },
    el(
      'div',
      { class: 'buttons' },
      button('Delete this person’s data', { kind: 'danger', action: () => forget(context, found) }),
    ),
  );
}

async function forget({ api, again }, { app_id: app, issuer, sub, connections }) {
  const number = connections.length;
  const done = await ask({
    title: `Delete what is kept of ${sub}?`,
    body: [
      note(
        'bad',
        el(
          'p',
          {},
          el(
            'strong',
            {},
            number > 0 ? `${count(number, 'connection ends', 'connections end')} at once.` : 'No connection is known.',
          ),
        ),
        el('p', {}, 'This can’t be undone. The person may connect again later. The audit trail keeps who did it.'),
      ),
    ],
    typed: sub,
    typedIs: 'ID',
    yes: 'Delete the data',
    no: 'Keep it',
    kind: 'primary danger',
    action: () => api.delete(path('apps', app, 'users', sub), { issuer, sub }),
  });
  if (!done) return;
  await again();
  announce(`Deleted: ${count(done.connections, 'connection has', 'connections have')} ended.`);
}
