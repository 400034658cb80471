#!/usr/bin/env node
// Takes the connections of one integration over from a running Nango, so that nobody has to connect again. It runs where
// both can be reached, with both keys; nothing is written down, and only ids and counts are printed.
//
//   NANGO_URL=https://nango.example NANGO_KEY=… INTEGRATION=google-calendar \
//   API=https://connect.example/api/workspace/$WS/connectors/$CONNECTOR ADMIN=uck_admin_… \
//   CLIENT_ID=… APP=… [USER_IS=end_user.id] [ISSUER=…] [ON_CONFLICT=replace] [DRY_RUN=1] node from-nango.mjs
//
// Fetching a connection makes Nango refresh its token if that has ended. Stop what uses Nango before the last run: with
// providers that rotate refresh tokens, whoever refreshes second ends the grant.
import process from 'node:process';

const { NANGO_URL, NANGO_KEY, INTEGRATION, API, ADMIN, CLIENT_ID, APP, ISSUER, ON_CONFLICT, DRY_RUN } = process.env;
const USER_IS = process.env.USER_IS ?? 'connection_id';

/** What an import takes at once: so many, and so many bytes. */
const MOST = 100;
const MOST_BYTES = 100_000;

const required = { NANGO_URL, NANGO_KEY, INTEGRATION, API, ADMIN, CLIENT_ID };
const missing = Object.keys(required).filter((name) => !required[name]);
if (missing.length > 0) {
  console.error(`Set ${missing.join(', ')}.`);
  process.exit(2);
}

/** JSON of an answer that went well. Of one that did not, only its status is told: it may repeat what was sent. */
async function json(answer, what) {
  if (!answer.ok) throw new Error(`${what} answered ${answer.status}`);
  return answer.json();
}

async function nango(path, query) {
  const url = `${NANGO_URL.replace(/\/$/, '')}${path}?${new URLSearchParams(query)}`;
  return json(
    await fetch(url, { headers: { authorization: `Bearer ${NANGO_KEY}` }, redirect: 'error' }),
    `Nango's ${path}`,
  );
}

/** The ids of the integration's connections. A server that knows no pages gives the same ones again. */
async function* connectionIds() {
  const seen = new Set();
  for (let page = 0; ; page += 1) {
    const { connections } = await nango('/connections', { page, limit: 1000 });
    const fresh = connections.filter(({ id, connection_id }) => !seen.has(id ?? connection_id));
    if (fresh.length === 0) return;
    for (const { id, connection_id, provider_config_key } of fresh) {
      seen.add(id ?? connection_id);
      if (provider_config_key === INTEGRATION) yield connection_id;
    }
  }
}

async function* batches() {
  let batch = [];
  let bytes = 0;
  for await (const id of connectionIds()) {
    const path = `/connections/${encodeURIComponent(id)}`;
    const connection = await nango(path, { provider_config_key: INTEGRATION, refresh_token: true });
    const size = Buffer.byteLength(JSON.stringify(connection)) + 1;
    if (batch.length === MOST || (batch.length > 0 && bytes + size > MOST_BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(connection);
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
const totals = { imported: 0, skipped: 0, refused: 0 };
for await (const connections of batches()) {
  const body = { connections, mapping, on_conflict: ON_CONFLICT ?? 'skip', dry_run: Boolean(DRY_RUN) };
  const answer = await fetch(`${API}/import/nango`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
  });
  const { results, ...counts } = await json(answer, 'the import');
  for (const name of Object.keys(totals)) totals[name] += counts[name];
  for (const { index, status, errors, reason } of results.filter((result) => result.status !== 'imported')) {
    const why = errors?.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ') ?? reason;
    console.log(`${connections[index].connection_id}: ${status}, ${why}`);
  }
}
console.log(
  `${DRY_RUN ? 'would be ' : ''}imported ${totals.imported}, skipped ${totals.skipped}, refused ${totals.refused}`,
);
if (totals.refused > 0) process.exitCode = 1;
