// Who did what.
import { el } from '../shared/dom.js';
import { checkTrail } from './audit-check.js';
import { searchForm } from './audit-search.js';
import { button, empty, failure, heading } from './parts.js';
import { actor, clock, count, day, deed } from './words.js';

/** What the trail tells of by id, as far as it is still there: kinds of `{id, name}`. */
async function things(api) {
  const [{ connectors }, { apps }, { keys }] = await Promise.all([
    api.get('/connectors'),
    api.get('/apps'),
    api.get('/keys'),
  ]);
  return { connectors, apps, keys: keys.map(({ key_id: id, name }) => ({ id, name })) };
}

/** How many pages in a row may have nothing that is sought before somebody is asked whether to go on. */
const EMPTY_PAGES = 10;

export async function audit({ api }) {
  const [first, there] = await Promise.all([api.get('/audit'), things(api)]);
  const known = new Map(Object.values(there).flatMap((some) => some.map(({ id, name }) => [id, name])));
  const isEmpty = first.events.length === 0 && !first.next_cursor;
  const trail = list(api, known);
  const search = searchForm(there, (id) => known.get(id) || undefined, trail.seek);
  const check = checkTrail(api);
  trail.show(first, {});
  search.learn(first.events);
  return el(
    'div',
    { class: 'view' },
    heading({
      title: 'Audit',
      lead: 'Who did what. Never a secret, never a token.',
      actions: [check.button],
    }),
    el('div', { class: 'notes' }, !isEmpty && search.node, check.node),
    isEmpty
      ? empty(
          'list',
          'Nothing has happened yet',
          'Every change, and every connection that is made or ended, is written down here.',
        )
      : trail.node,
  );
}

/** What happened, day by day, the latest first; `seek` begins anew with what fits. */
function list(api, known) {
  const days = el('div', { class: 'days' });
  const said = el('p', { class: 'quiet', role: 'status' });
  const more = el('div', { class: 'buttons' });
  let [turn, number, last] = [0, 0, undefined];
  const add = (event) => {
    const on = day(event.at);
    if (last?.on !== on) {
      last = { on, list: el('ol', { class: 'events card' }) };
      days.append(el('section', {}, el('h2', { class: 'day' }, on), last.list));
    }
    last.list.append(entry(event, known));
  };
  const show = ({ events, next_cursor: cursor }, sought) => {
    events.forEach(add);
    number += events.length;
    const older = () => page(sought, cursor).catch((problem) => more.replaceChildren(failure(problem, older)));
    more.replaceChildren(...(cursor ? [button('Show older', { action: older })] : []));
    if (Object.keys(sought).length > 0) said.textContent = outcome(number, cursor);
  };
  /** Many pages may have nothing of what is sought. */
  const page = async (sought, from) => {
    const mine = turn;
    let [cursor, found] = [from, undefined];
    for (let asked = 0; asked < EMPTY_PAGES && (!found || (found.events.length === 0 && cursor)); asked += 1) {
      found = await api.get('/audit', { ...sought, cursor });
      cursor = found.next_cursor;
      if (mine !== turn || !days.isConnected) return [];
    }
    if (!from) begin();
    show(found, sought);
    return found.events;
  };
  const begin = () => {
    [number, last] = [0, undefined];
    days.replaceChildren();
    said.textContent = '';
  };
  const seek = (sought) => {
    turn += 1;
    return page(sought);
  };
  return { node: el('div', { class: 'notes' }, said, days, more), show, seek };
}

function outcome(number, hasMore) {
  if (number === 0) return hasMore ? 'Nothing that fits yet. There is more to look through.' : 'Nothing fits.';
  const found = count(number, 'entry fits', 'entries fit');
  return hasMore ? `${found} so far.` : `${found}.`;
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
