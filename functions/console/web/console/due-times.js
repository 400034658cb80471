// When connections are due, as bars. The same figures stand in a table, which is what a screen reader reads.
import { el } from '../shared/dom.js';
import { section } from './parts.js';
import { clock, count } from './words.js';

const LABELS = {
  late: 'Late by more than 10 minutes',
  now: 'Due now',
  hour: 'Within an hour',
  day: 'Within a day',
  later: 'Later',
  never: 'Only when asked for',
};

/** How far connections are from the moments at which they are refreshed without anybody asking. */
export function dueTimes({ looked_at: all, complete, buckets }, at) {
  if (all === 0) return undefined;
  const most = Math.max(...buckets.map((one) => one.count));
  const late = buckets.find((one) => one.label === 'late')?.count ?? 0;
  const of = complete
    ? `all ${count(all, 'connection', 'connections')}`
    : `a sample of ${count(all, 'connection', 'connections')}`;
  return section(
    'Refreshes ahead of time',
    { lead: `When ${of} will be refreshed without anybody asking, as of ${clock(at)}.` },
    el(
      'div',
      { class: 'card panel' },
      el(
        'table',
        { class: 'bars' },
        el('caption', { class: 'hidden-text' }, 'Connections by the time until their next refresh'),
        el('thead', {}, el('tr', {}, ['Next refresh', 'Connections'].map(head))),
        el(
          'tbody',
          {},
          buckets.map((one) => row(one, most)),
        ),
      ),
      late > 0 &&
        el(
          'p',
          { class: 'wrong' },
          'The schedule is behind. Its alarms, and the log of the function “refresh”, say why.',
        ),
    ),
  );
}

const head = (name) => el('th', { scope: 'col' }, el('span', { class: 'hidden-text' }, name));

function row({ label, count: number }, most) {
  const bar = el('span', { class: label === 'late' ? 'bar bad' : 'bar', 'aria-hidden': 'true' });
  bar.style.inlineSize = `${(number / Math.max(most, 1)) * 100}%`;
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, LABELS[label] ?? label),
    el(
      'td',
      {},
      el(
        'div',
        {},
        el('span', { class: 'bar-way' }, bar),
        el('span', { class: 'number' }, number.toLocaleString('en')),
      ),
    ),
  );
}
