// Sending a webhook once more what it missed, a piece at a time.
import { el } from '../shared/dom.js';
import { path, Problem } from './api.js';
import { inOrder, momentField } from './moments.js';
import { announce, ask } from './parts.js';
import { count } from './words.js';

/** How long events are kept for this. */
const KEPT_DAYS = 30;
const KEPT_MS = KEPT_DAYS * 86_400_000;

const events = (number) => count(number, 'event', 'events');

/** Asks for what time, sends it all, and says how much it was. */
export async function replay(api, webhook) {
  const since = momentField({
    label: 'From',
    hint: `In your own time. Events are kept for ${KEPT_DAYS} days.`,
    pointer: '/since',
    at: webhook.failing_since,
  });
  const until = momentField({
    label: 'Until',
    hint: 'Leave it empty for everything up to now.',
    pointer: '/until',
    isEnd: true,
  });
  const said = el('p', { class: 'quiet', role: 'status' });
  const done = await ask({
    title: 'Send again what happened?',
    body: [
      el(
        'p',
        {},
        'For a receiver that was away. Every event comes under the ID that it had, so what has arrived before is known there.',
      ),
      since.node,
      until.node,
      said,
    ],
    fields: [since, until],
    yes: 'Send again',
    action: sending(api, webhook, { since, until, said }),
  });
  if (done) await tell(done.sent);
}

function tell(number) {
  const [title, text] =
    number > 0
      ? [
          `${events(number)} ${number === 1 ? 'is' : 'are'} sent again`,
          'They are on their way, some each second. What is not taken is tried again as always.',
        ]
      : ['Nothing is sent again', 'In that time nothing happened that is sent there.'];
  return ask({ title, body: [el('p', {}, text)], yes: 'Close', no: false });
}

function between({ since, until }) {
  const wish = { since: since.value(), until: until.value() };
  const refuse = (detail) => {
    throw new Problem(422, { errors: [{ pointer: '/since', detail }] });
  };
  if (!wish.since) refuse('say from when');
  if (Date.parse(wish.since) < Date.now() - KEPT_MS)
    refuse(`events are kept for ${KEPT_DAYS} days: choose a later time`);
  inOrder(wish.since, wish.until, '/until');
  return wish;
}

/**
 * Sends piece after piece, as long as somebody is there to see it. After a piece that failed it goes on with that one, unless
 * another time was chosen.
 */
function sending(api, webhook, fields) {
  const { said } = fields;
  let went;
  return async () => {
    const wish = between(fields);
    const meant = JSON.stringify(wish);
    if (went?.meant !== meant) went = { meant, sent: 0, cursor: undefined };
    do {
      const piece = await api.post(`/webhooks${path(webhook.id)}/replay`, { ...wish, cursor: went.cursor });
      went.sent += piece.events;
      went.cursor = piece.next_cursor ?? undefined;
      said.textContent = `${events(went.sent)} so far …`;
    } while (went.cursor && said.isConnected);
    if (went.cursor) announce(`Stopped. ${events(went.sent)} had been sent again by then.`);
    return { sent: went.sent };
  };
}
