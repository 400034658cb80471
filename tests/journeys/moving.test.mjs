// Connections that a running Nango keeps are taken over while it runs, and nobody connects again.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { found } from '../harness/canaries.mjs';
import { World } from '../harness/world.mjs';

const SCRIPT = resolve(import.meta.dirname, '../../functions/move-grants/from-nango.mjs');
const KEY = 'nango-secret-key';

let world;
let nango;

before(async () => {
  world = await World.open();
});
after(async () => {
  nango?.close();
  await world.close();
});

/** What Nango answers about one connection; its list has the same without credentials. */
function connection(id, provider_config_key, credentials) {
  const known = { id, connection_id: `c-${id}`, provider_config_key, provider: 'x', end_user: { id: `user-${id}` } };
  return { ...known, metadata: null, connection_config: { subdomain: 'x' }, errors: [], tags: {}, credentials };
}

/**
 * A Nango with these connections, two to a page. It has them at `path`, and its list at `list`, in pages unless it has none and
 * knows nothing of them. It meets each request with the next of `moods` first: a status, or nothing at all. `listing` is told of
 * each page before it is read.
 */
async function startNango(connections, like = {}) {
  const { path = '/connections/', list = '/connections', pages = true, moods = [], listing = () => {} } = like;
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://nango');
    const answer = (status, body) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const mood = moods.shift();
    if (mood === 'hang up') return request.socket.destroy();
    if (mood === 'nonsense') return response.writeHead(200).end('<html>');
    if (mood !== undefined) return answer(mood, { error: { message: KEY } });
    if (request.headers.authorization !== `Bearer ${KEY}`) return answer(401, {});
    const named = url.pathname.startsWith(path) ? url.pathname.slice(path.length) : undefined;
    if (named === undefined && url.pathname !== list) return answer(404, {});
    if (named === undefined) {
      if (!pages && url.search !== '') return answer(400, { error: { code: 'invalid_query_params' } });
      const number = Number(url.searchParams.get('page'));
      listing(number);
      const page = pages ? connections.slice(number * 2, number * 2 + 2) : connections;
      return answer(200, { connections: page.map(({ credentials: _, ...rest }) => rest) });
    }
    const one = connections.find(({ connection_id }) => connection_id === decodeURIComponent(named));
    if (one?.provider_config_key !== url.searchParams.get('provider_config_key')) return answer(404, {});
    // A connection whose refresh fails is not given.
    if (one.errors.length > 0) return answer(424, { error: { code: 'invalid_credentials', message: KEY } });
    const { refresh_token, ...rest } = one.credentials;
    return answer(200, {
      ...one,
      credentials: url.searchParams.has('refresh_token') ? { ...rest, refresh_token } : rest,
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The tokens that the provider gave out last. */
function lastTokens() {
  const last = (kind) => world.provider.journal.secrets.findLast(([known]) => known === kind)[1];
  return { access_token: last('access token'), refresh_token: last('refresh token') };
}

function takeOver(connector, environment = {}, options = []) {
  const env = {
    FIRST_WAIT_MS: '1',
    PATH: process.env.PATH,
    NANGO_URL: `http://127.0.0.1:${nango.address().port}`,
    NANGO_KEY: KEY,
    INTEGRATION: 'calendar',
    API: `${world.product.base}${world.workspace}/connectors/${connector.id}`,
    ADMIN: world.adminKey,
    CLIENT_ID: connector.client_id,
    APP: world.app.id,
    USER_IS: 'end_user.id',
    ...environment,
  };
  return new Promise((settle) => {
    execFile(process.execPath, [SCRIPT, ...options], { env }, (error, stdout, stderr) =>
      settle({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test('a running Nango is taken over, once, and its tokens are printed nowhere', async () => {
  const before = await world.newConnector();
  const connections = [];
  for (const id of [1, 2, 3]) {
    await world.connect(await world.user(`someone-${id}`), before);
    const credentials = { type: 'OAUTH2', ...lastTokens(), expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    connections.push(connection(id, 'calendar', { ...credentials, raw: { scope: 'openid email calendar.read' } }));
  }
  connections.push(connection(4, 'mail', { type: 'OAUTH2', access_token: 'of another integration' }));
  connections.push(connection(5, 'calendar', { type: 'API_KEY', apiKey: 'k' }));
  nango = await startNango(connections);
  const same = { client_id: before.client_id, client_secret: before.client_secret };
  const connector = await world.newConnector({ ...same, register: false });

  const looked = await takeOver(connector, {}, ['--dry-run']);
  assert.match(looked.stdout, /would be imported 3, skipped 0, refused 1/, looked.stderr);
  assert.equal((await world.token(await world.user('user-1'), connector)).status, 404);

  const taken = await takeOver(connector);
  assert.match(taken.stdout, /^c-5: refused, \/connections\/\d\/credentials\/type must be OAUTH2: .*$/m, taken.stderr);
  assert.match(taken.stdout, /^imported 3, skipped 0, refused 1$/m);
  assert.equal(taken.code, 1);
  assert.match((await takeOver(connector)).stdout, /^imported 0, skipped 3, refused 1$/m);

  for (const [index, id] of [1, 2, 3].entries()) {
    const user = await world.user(`user-${id}`);
    const { body, text } = await world.token(user, connector);
    assert.equal(body.access_token, connections[index].credentials.access_token, text);
    const rejected = createHash('sha256').update(body.access_token).digest('hex');
    const refreshed = await world.token(user, connector, `?rejected_token_sha256=${rejected}`);
    assert.equal(refreshed.status, 200, refreshed.text);
    assert.notEqual(refreshed.body.access_token, body.access_token);
  }
  const tokens = connections.flatMap(({ credentials: { access_token, refresh_token } }) => [
    access_token,
    refresh_token,
  ]);
  const secrets = tokens.filter(Boolean).map((token) => ['token', token]);
  const printed = [looked, taken].map(({ stdout, stderr }) => stdout + stderr).join();
  assert.deepEqual(found([...secrets, ['key', KEY]], printed + world.product.log + world.api.transcript.join()), []);
});

/** Grants of users whose tokens nobody asks anything of. */
function kept(count, changes = {}) {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  return Array.from({ length: count }, (_, number) => {
    const credentials = { type: 'OAUTH2', access_token: `canary-${number}`, expires_at, raw: {} };
    return { ...connection(number, 'calendar', credentials), ...changes };
  });
}

/** Takes over from a Nango that is made for this. */
async function takeOverFrom(connections, like, { environment, options, connector } = {}) {
  nango?.close();
  nango = await startNango(connections, like);
  const taken = await takeOver(connector ?? (await world.newConnector()), environment, options);
  assert.deepEqual(
    found(
      [
        ['key', KEY],
        ['token', 'canary-'],
      ],
      taken.stdout + taken.stderr,
    ),
    [],
  );
  return taken;
}

test('a Nango that is busy, restarted or talks nonsense for a moment is asked again', async () => {
  const moods = [429, 503, undefined, 'hang up', 'nonsense', 500];
  const taken = await takeOverFrom(kept(5), { moods });
  assert.match(taken.stdout, /^imported 5, skipped 0, refused 0$/m, taken.stderr);
  assert.equal(taken.code, 0);
});

test('what was stopped in the middle is gone on with, and ends as if it had not been', async () => {
  const connector = await world.newConnector();
  const connections = kept(250);
  // The list, two hundred connections, and then nothing any more.
  const moods = [...Array(220).fill(undefined), ...Array(6).fill(502)];
  const stopped = await takeOverFrom(connections, { moods }, { connector });
  assert.equal(stopped.code, 3);
  assert.match(stopped.stderr, /^Nango's API answered 502\.$/m);
  const [, imported] = stopped.stdout.match(/^imported (\d+), /m);
  assert.ok(Number(imported) > 0 && Number(imported) < 250, stopped.stdout);
  const again = await takeOverFrom(connections, {}, { connector });
  assert.match(again.stdout, new RegExp(`^imported ${250 - imported}, skipped ${imported}, refused 0$`, 'm'));
  assert.equal(again.code, 0);
});

test('connections that Nango does not give, or that are none of an OAuth client, are named and hold up no other', async () => {
  const [one, broken, ...others] = kept(8);
  broken.errors = [{ type: 'auth' }];
  for (const [index, type] of ['OAUTH2_CC', 'OAUTH1', 'TBA', 'APP', 'BASIC'].entries()) {
    others[index].credentials = {
      type,
      token: 'canary-secret',
      oauth_token: 'canary-secret',
      token_id: 'canary-secret',
    };
  }
  const taken = await takeOverFrom([one, broken, ...others], {});
  assert.match(taken.stdout, /^c-1: not fetched, Nango's API answered 424$/m);
  for (const id of [2, 3, 4, 5, 6]) {
    assert.match(taken.stdout, new RegExp(`^c-${id}: refused, \\S+/credentials/type must be OAUTH2`, 'm'));
  }
  assert.match(taken.stdout, /^imported 2, skipped 0, refused 5, not fetched 1$/m);
  assert.equal(taken.code, 1);
});

test('a Nango of before, and one whose users are tags, are understood', async () => {
  for (const like of [{}, { list: '/connection' }, { list: '/connection', pages: false }]) {
    const old = await takeOverFrom(kept(3), { path: '/connection/', ...like });
    assert.match(old.stdout, /^imported 3, skipped 0, refused 0$/m, old.stderr);
  }
  const connector = await world.newConnector();
  const tagged = kept(1, { end_user: undefined, tags: { end_user_id: 'tagged' } });
  const environment = { USER_IS: 'tags.end_user_id' };
  const taken = await takeOverFrom(tagged, {}, { connector, environment });
  assert.match(taken.stdout, /^imported 1, skipped 0, refused 0$/m, taken.stderr);
  assert.equal((await world.token(await world.user('tagged'), connector)).body.access_token, 'canary-0');
});

/** The newest stand first, so whatever comes or goes moves those behind it from one page to another. */
test('connections that come and go while the list is read pass over no other', async () => {
  const [gone, ...stay] = kept(6);
  const connections = [gone, ...stay];
  const [latest] = kept(1, { id: 60, connection_id: 'c-60', end_user: { id: 'user-60' } });
  const listing = (page) => {
    if (page === 1 && connections.includes(gone)) connections.shift();
    if (page === 2 && !connections.includes(latest)) connections.unshift(latest);
  };
  const taken = await takeOverFrom(connections, { listing });
  assert.match(taken.stdout, /^imported 7, skipped 0, refused 0$/m, taken.stderr);
});

test('what is not known on the command line is not taken for nothing', async () => {
  for (const [environment, options] of [
    [{}, ['--dryrun']],
    [{ NANGO_KEY: '' }, []],
    [{ API: '' }, ['--dry-run']],
  ]) {
    const refused = await takeOverFrom(kept(1), {}, { environment, options });
    assert.equal(refused.code, 2, refused.stderr);
    assert.equal(refused.stdout, '');
  }
});

test('a Nango that does not know the key ends it with a status and nothing else', async () => {
  const connector = await world.newConnector();
  const refused = await takeOver(connector, { NANGO_KEY: 'wrong' });
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /^Nango's API answered 401\.$/m);
});
