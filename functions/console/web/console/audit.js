// Who did what.
import { el } from '../shared/dom.js';
import { button, empty, heading } from './parts.js';
import { actor, clock, day, deed } from './words.js';

/** The names of what the trail tells of by id, as far as it is still there. */
async function names(api) {
  const [{ connectors }, { apps }, { keys }] = await Promise.all([
    api.get('/connectors'),
    api.get('/apps'),
    api.get('/keys'),
  ]);
  return new Map(
    [...connectors, ...apps, ...keys.map(({ key_id: id, name }) => ({ id, name }))].map(({ id, name }) => [id, name]),
  );
}

export async function audit({ api }) {
  const days = el('div', { class: 'days' });
  const more = el('div', { class: 'buttons' });
  let last;
  const show = ({ events, next_cursor: cursor }) => {
    for (const event of events) {
      const on = day(event.at);
      if (last?.on !== on) {
        last = { on, list: el('ol', { class: 'events card' }) };
        days.append(el('section', {}, el('h2', { class: 'day' }, on), last.list));
      }
      last.list.append(entry(event, known));
    }
    const next = async () => show(await api.get('/audit', { cursor }));
    more.replaceChildren(...(cursor ? [button('Show older', { action: next })] : []));
  };
  const [first, known] = await Promise.all([api.get('/audit'), names(api)]);
  show(first);
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings'], ['Workspace']],
      title: 'Audit',
      lead: 'Who did what. Never a secret, never a token.',
    }),
    first.events.length === 0 && !first.next_cursor
      ? empty(
          'list',
          'Nothing has happened yet',
          'Every change, and every connection that is made or ended, is written down here.',
        )
      : [days, more],
  );
}

function entry(event, known) {
  const name = (id) => known.get(id) || el('code', {}, id);
  const detail = ([what, value]) => [el('span', {}, `${what.replaceAll('_', ' ')}: `, known.get(value) ?? value)];
  const { person, ...more } = event.details;
  const details = Object.entries(person ? { ...more, person: event.actor.slice(7) } : more);
  return el(
    'li',
    { class: 'event' },
    el('time', { class: 'quiet small', datetime: event.at }, clock(event.at)),
    el(
      'div',
      { class: 'row-text' },
      el(
        'p',
        {},
        el(
          'strong',
          {},
          actor(event.actor, (id) => known.get(id) || undefined, person),
        ),
        ` ${deed(event.action)}: `,
        name(event.target),
      ),
      details.length > 0 && el('p', { class: 'quiet small details' }, details.map(detail)),
    ),
  );
}
