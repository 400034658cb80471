// Who did what.
import { el, note } from '../shared/dom.js';
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
  const verdict = el('div', { 'aria-live': 'polite' });
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
      title: 'Audit',
      lead: 'Who did what. Never a secret, never a token.',
      actions: [button('Check', { action: async () => verdict.replaceChildren(await checked(api)) })],
    }),
    verdict,
    first.events.length === 0 && !first.next_cursor
      ? empty(
          'list',
          'Nothing has happened yet',
          'Every change, and every connection that is made or ended, is written down here.',
        )
      : [days, more],
  );
}

/** What is wrong with the trail, in words. */
const FLAWS = {
  altered: 'An entry is not what was written.',
  missing: 'Something is missing before an entry.',
  unlinked: 'An entry was put in that has no place there.',
  cut_off: 'The latest entries are missing.',
  key_gone: 'The key that the trail is checked with is gone, so nothing can be said of it.',
};

/** Follows the whole trail, piece by piece, and says what came of it. */
async function checked(api) {
  let [count, cursor] = [0, undefined];
  do {
    const page = await api.get('/audit/verify', { cursor });
    count += page.looked_at;
    if (!page.intact) {
      const at = page.flaw.at ? ` ${day(page.flaw.at)}, ${clock(page.flaw.at)}.` : '';
      return note('bad', el('p', {}, el('strong', {}, FLAWS[page.flaw.what] ?? page.flaw.what), at));
    }
    cursor = page.next_cursor;
  } while (cursor);
  return note('good', el('p', {}, `Nothing is missing and nothing was changed: ${count} entries were checked.`));
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
      event.origin && el('p', { class: 'quiet small' }, `From ${event.origin}`),
    ),
  );
}
