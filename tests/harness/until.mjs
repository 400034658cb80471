// Waiting for something that will be seen, never for time to pass and hope.
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 50;

/** Asks `probe` until it answers something else than `undefined`; fails after `seconds` with `what` in the message. */
export async function until(seconds, what, probe) {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const seen = await probe();
    if (seen !== undefined) return seen;
    if (Date.now() > end) throw new Error(`${what} did not come within ${seconds} s`);
    await pause(POLL_MS);
  }
}

/** Answers carry whole seconds: what ends at one of them has ended for certain when it is over. */
const GRAIN_MS = 1_000;

/** Returns once the second of `time` (RFC 3339) is over: a token that said it ends then works no more. */
export async function passed(time) {
  const left = Date.parse(time) + GRAIN_MS - Date.now();
  if (Number.isNaN(left)) throw new Error(`not a time: ${time}`);
  if (left > 0) await pause(left + 1);
}
