#!/usr/bin/env node
// Takes the connections of one integration over from a running Nango, so that nobody has to connect again. It runs where
// both can be reached, with both keys; nothing is written down, and only ids and counts are printed.
//
//   NANGO_URL=https://nango.example NANGO_KEY=… INTEGRATION=google-calendar \
//   API=https://connect.example/api/workspace/$WS/connectors/$CONNECTOR ADMIN=uck_admin_… \
//   CLIENT_ID=… APP=… [USER_IS=tags.end_user_id|end_user.id] [ISSUER=…] [ON_CONFLICT=replace] node from-nango.mjs [--dry-run]
//
// It may be stopped and run again at any time: what was taken over is skipped. It ends with 0 if everything was taken over
// (now or before), 1 if some was refused or could not be fetched (each is named), 2 if something is missing or unknown on the
// command line, and 3 if one of the two did not answer. After a 429, a 5xx or no answer it tries again, five times.
//
// Fetching a connection makes Nango refresh its token if that has ended. Stop what uses Nango before the last run: with
// providers that rotate refresh tokens, whoever refreshes second ends the grant.
import process from 'node:process';

const { NANGO_URL, NANGO_KEY, INTEGRATION, API, ADMIN, CLIENT_ID, APP, ISSUER, ON_CONFLICT } = process.env;
const USER_IS = process.env.USER_IS ?? 'connection_id';
const DRY_RUN = Boolean(process.env.DRY_RUN) || process.argv.includes('--dry-run');

/** What an import takes at once: so many, and so many bytes. */
const MOST = 100;
const MOST_BYTES = 100_000;
const LARGEST = 1_000_000;

/** How many connections a page of Nango's list has, and how often and how long it is waited for who does not answer. */
const PAGE = 1000;
const TRIES = 5;
const FIRST_WAIT_MS = Number(process.env.FIRST_WAIT_MS ?? 1000);
const LONGEST_WAIT_MS = 60_000;
const TIMEOUT_MS = 60_000;

const required = { NANGO_URL, NANGO_KEY, INTEGRATION, API, ADMIN, CLIENT_ID };
const missing = Object.keys(required).filter((name) => !required[name]);
const unknown = process.argv.slice(2).filter((argument) => argument !== '--dry-run');
if (missing.length > 0) leave(2, `Set ${missing.join(', ')}.`);
if (unknown.length > 0) leave(2, 'The only argument is --dry-run; everything else is said by the environment.');

function leave(code, why) {
  console.error(why);
  process.exit(code);
}

/** One of the two said no, or nothing. Only its status is told: its text may repeat what was sent. */
class Refused extends Error {
  constructor(what, status) {
    super(`${what} ${status === undefined ? 'did not answer' : `answered ${status}`}`);
    this.status = status;
  }
}

/** How long to wait: as long as `Retry-After` says, in seconds, else twice as long each time. */
function wait(tried, answer) {
  const asked = Number(answer?.headers.get('retry-after')) * 1000;
  const own = FIRST_WAIT_MS * 2 ** tried;
  return Math.min(asked > 0 ? asked : own, LONGEST_WAIT_MS);
}

/** JSON of an answer that went well; asked for again while it may pass. */
async function json(what, url, request) {
  for (let tried = 0; ; tried += 1) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let answer;
    try {
      answer = await fetch(url, { ...request, redirect: 'error', signal });
      if (answer.ok) return await answer.json();
    } catch {
      // What fetch says of it may have the address in it.
    }
    const mayPass = answer === undefined || answer.ok || answer.status === 429 || answer.status >= 500;
    if (!mayPass || tried === TRIES) throw new Refused(what, answer?.ok ? undefined : answer?.status);
    await new Promise((resolve) => setTimeout(resolve, wait(tried, answer)));
  }
}

function nango(path, query) {
  const url = `${NANGO_URL.replace(/\/$/, '')}${path}?${new URLSearchParams(query)}`;
  return json("Nango's API", url, { headers: { authorization: `Bearer ${NANGO_KEY}` } });
}

/** One page of Nango's list. A Nango of before has it at another path, or knows no pages and refuses to be asked for one. */
let list = (page) => nango('/connections', { page, limit: PAGE });
const olderLists = [(page) => nango('/connection', { page, limit: PAGE }), () => nango('/connection', {})];
async function pageOf(number) {
  try {
    return (await list(number)).connections;
  } catch (error) {
    if (![400, 404].includes(error.status) || olderLists.length === 0) throw error;
  }
  list = olderLists.shift();
  return pageOf(number);
}

const nameOf = ({ id, connection_id, provider_config_key }) => id ?? `${provider_config_key} ${connection_id}`;

/** All of the list, page by page, as it is now. A server that knows no pages gives the same one again. */
async function* listed() {
  let before = new Set();
  for (let number = 0; ; number += 1) {
    const page = await pageOf(number);
    if (page.every((one) => before.has(nameOf(one)))) return;
    yield* page;
    before = new Set(page.map(nameOf));
  }
}

/**
 * The ids of the integration's connections. What comes and goes while the list is read moves others from one page to the next,
 * and one may be passed over: so it is read until there is nothing new in it.
 */
async function* connectionIds() {
  const seen = new Set();
  let known = -1;
  while (known < seen.size) {
    known = seen.size;
    for await (const one of listed()) {
      if (seen.has(nameOf(one))) continue;
      seen.add(nameOf(one));
      if (one.provider_config_key === INTEGRATION) yield one.connection_id;
    }
  }
}

/** A connection with its tokens. A Nango of before has them at another path. */
let path = '/connections/';
async function connection(id) {
  const query = { provider_config_key: INTEGRATION, refresh_token: true };
  try {
    return await nango(path + encodeURIComponent(id), query);
  } catch (error) {
    if (error.status !== 404 || path === '/connection/') throw error;
  }
  const found = await nango(`/connection/${encodeURIComponent(id)}`, query);
  path = '/connection/';
  return found;
}

const totals = { imported: 0, skipped: 0, refused: 0, unfetched: 0 };

/** What fits into one request. A connection that Nango does not give is named, and holds up no other. */
async function* batches() {
  let batch = [];
  let bytes = 0;
  for await (const id of connectionIds()) {
    let fetched;
    try {
      fetched = await connection(id);
    } catch (error) {
      if (error.status === undefined || [401, 403, 429, 502, 503, 504].includes(error.status)) throw error;
      totals.unfetched += 1;
      console.log(`${id}: not fetched, ${error.message}`);
      continue;
    }
    const size = Buffer.byteLength(JSON.stringify(fetched)) + 1;
    if (size > LARGEST) {
      totals.unfetched += 1;
      console.log(`${id}: larger than a request may be`);
      continue;
    }
    if (batch.length === MOST || (batch.length > 0 && bytes + size > MOST_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(fetched);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

const mapping = {
  ...(APP && { app_id: APP, user: USER_IS }),
  ...(ISSUER && { issuer: ISSUER }),
  client_id: CLIENT_ID,
  provider_config_key: INTEGRATION,
};

async function takeOver(connections) {
  const body = { connections, mapping, on_conflict: ON_CONFLICT ?? 'skip', dry_run: DRY_RUN };
  const { results, ...counts } = await json('The import', `${API}/import/nango`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  for (const name of ['imported', 'skipped', 'refused']) totals[name] += counts[name];
  for (const { index, status, errors, reason } of results.filter((result) => result.status !== 'imported')) {
    const why = errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ') ?? reason;
    console.log(`${connections[index].connection_id}: ${status}, ${why}`);
  }
}

try {
  for await (const connections of batches()) await takeOver(connections);
} catch (error) {
  process.exitCode = 3;
  console.error(error instanceof Refused ? `${error.message}.` : 'An answer was not as expected.');
}
const unfetched = totals.unfetched > 0 ? `, not fetched ${totals.unfetched}` : '';
console.log(
  `${DRY_RUN ? 'would be ' : ''}imported ${totals.imported}, skipped ${totals.skipped}, refused ${totals.refused}${unfetched}`,
);
if (totals.refused + totals.unfetched > 0) process.exitCode ??= 1;
