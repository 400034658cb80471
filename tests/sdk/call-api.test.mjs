// `callApi` of the unmodified npm `@base44/sdk`: every phase, and every kind of refusal, as an app sees them.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Base44Error, createClient } from '@base44/sdk';
import { World } from '../harness/world.mjs';

const TYPE = 'called';
let world;
let connector;
let backend;
let api;

/** An API that takes the tokens of the authorization server, and misbehaves where its path says so. */
async function startApi() {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    server.seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    if (request.url.startsWith('/v1/silence')) return;
    if (request.url.startsWith('/v1/hang-up')) return void request.socket.destroy();
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    if (!(await world.provider.accepts(token))) return void response.writeHead(401).end();
    if (request.url.startsWith('/v1/picture'))
      return void response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from([0x89, 0x50, 0xff]));
    if (request.url.startsWith('/v1/cut')) {
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': '99' });
      return void response.write('{"a"', () => request.socket.destroy());
    }
    if (request.url.startsWith('/v1/echo')) {
      const body = gzipSync(JSON.stringify({ headers }));
      return void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(body);
    }
    if (request.url.startsWith('/v1/large')) return void response.writeHead(200).end('a'.repeat(4 * 1024 * 1024 + 1));
    const status = Number(/^\/v1\/status\/(\d+)/.exec(request.url)?.[1] ?? 200);
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-ratelimit-remaining': '7',
      'set-cookie': 'a=b',
    });
    response.end(status === 204 ? undefined : JSON.stringify({ said: status }));
  });
  server.seen = [];
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.base = `http://127.0.0.1:${server.address().port}`;
  return server;
}

before(async () => {
  api = await startApi();
  world = await World.open({ type: TYPE, said: { api: { base_url: `${api.base}/v1`, hosts: ['127.0.0.1:1'] } } });
  connector = await world.newConnector();
  const user = await world.user('caller');
  await world.connect(user, connector);
  const common = { serverUrl: world.product.base, appId: user.app.id };
  backend = createClient({ ...common, token: user.jwt, serviceToken: user.app.key }).asServiceRole.connectors;
});
after(async () => {
  api.closeAllConnections();
  api.close();
  await world.close();
});

async function refused(call) {
  const error = await call.then(
    (value) => assert.fail(`it was answered: ${JSON.stringify(value)}`),
    (cause) => cause,
  );
  assert.ok(error instanceof Base44Error, String(error));
  return [error.status, error.code];
}

/** What a page or a log shows of a refusal: the words, and everything that came with them. */
async function shown(call) {
  const { name, message, status, code, data } = (await call.catch((cause) => cause)).toJSON();
  assert.deepEqual([name, message, status, code], ['Base44Error', data.detail, data.status, data.code]);
  assert.match(data.request_id, /^[0-9A-Z]{26}$/);
  return [status, code];
}

test('a call is made with the user’s token, and its answer comes back', async () => {
  const answer = await backend.callApi(TYPE, {
    method: 'POST',
    path: '/events?a=1',
    query: { b: [2, 'three'], c: true },
    headers: { Prefer: 'x', 'X-Unknown': 'y' },
    body: { title: 'Lunch' },
  });
  assert.deepEqual(answer, {
    success: true,
    phase: 'responded',
    status: 200,
    data: { said: 200 },
    dataBase64: null,
    contentType: null,
    headers: { 'content-type': 'application/json', 'x-ratelimit-remaining': '7', date: answer.headers.date },
    creditsCharged: 0,
  });
  const seen = api.seen.at(-1);
  assert.deepEqual(
    [seen.method, seen.url, seen.body, seen.headers.prefer, seen.headers['x-unknown']],
    ['POST', '/v1/events?a=1&b=2&b=three&c=true', '{"title":"Lunch"}', 'x', undefined],
  );
});

test('what the provider refuses is an answer', async () => {
  for (const status of [204, 400, 403, 404, 429, 500, 503]) {
    const answer = await backend.callApi(TYPE, { path: `/status/${status}` });
    const success = status < 300;
    assert.deepEqual([answer.success, answer.phase, answer.status], [success, 'responded', status]);
    assert.deepEqual(answer.data, status === 204 ? null : { said: status });
  }
  const picture = await backend.callApi(TYPE, { path: '/picture' });
  assert.deepEqual([picture.data, picture.dataBase64, picture.contentType], [null, 'iVD/', 'image/png']);
});

test('what broke off or is too long was answered all the same', async () => {
  const tell = ({ success, phase, status, data }) => [success, phase, status, data.code];
  const cut = await backend.callApi(TYPE, { method: 'POST', path: '/cut', body: {} });
  assert.deepEqual(tell(cut), [false, 'responded', 201, 'answer_incomplete']);
  const large = await backend.callApi(TYPE, { path: '/large' });
  assert.deepEqual(tell(large), [false, 'responded', 200, 'answer_too_large']);
});

test('an API that shows what it was sent does not show the token', async () => {
  const answer = await backend.callApi(TYPE, { path: '/echo' });
  const sent = api.seen.at(-1).headers;
  const token = sent.authorization.replace(/^Bearer /, '');
  assert.equal(answer.success, true);
  assert.equal(answer.data.headers.host, sent.host);
  assert.equal(answer.data.headers.authorization, `Bearer ${'*'.repeat(token.length)}`);
  assert.equal(JSON.stringify(answer).includes(token), false);
});

test('every phase but an answer says whether the provider may have done it', async () => {
  const tell = ({ success, phase, status, data }) => [success, phase, status, data.code];
  assert.deepEqual(tell(await backend.callApi(TYPE, { host: '127.0.0.1:1', path: '/x' })), [
    false,
    'not_sent',
    null,
    'host_unreachable',
  ]);
  assert.deepEqual(tell(await backend.callApi(TYPE, { method: 'POST', path: '/hang-up' })), [
    false,
    'sent_unconfirmed',
    null,
    'connection_lost',
  ]);
  const began = performance.now();
  const silence = tell(await backend.callApi(TYPE, { method: 'DELETE', path: '/silence' }));
  assert.deepEqual(silence, [false, 'timed_out', null, 'no_answer']);
  assert.ok(performance.now() - began < 29_000, 'the gateway would still be there');
});

test('what is no call, or may not be made, is refused', async () => {
  const before = api.seen.length;
  for (const request of [
    { path: '/../admin' },
    { path: '//evil.example/' },
    { path: 'https://evil.example/' },
    { path: '/x', host: 'evil.example' },
    { path: '/x', headers: { accept: 'é' } },
  ]) {
    assert.deepEqual(await refused(backend.callApi(TYPE, request)), [422, 'invalid_request'], JSON.stringify(request));
  }
  assert.deepEqual(await refused(backend.callApi('never-was', { path: '/x' })), [404, 'NOT_FOUND']);
  const rules = { call_rules: { paths: [{ prefix: '/events', method: 'GET' }] } };
  assert.equal((await world.admin('PUT', `/connectors/${connector.id}`, rules)).status, 200);
  const blocked = backend.callApi(TYPE, { method: 'DELETE', path: '/events/1' });
  assert.deepEqual(await refused(blocked), [403, 'blocked_by_policy']);
  assert.equal(api.seen.length, before, 'nothing reached the API');
  assert.equal((await backend.callApi(TYPE, { path: '/events/1' })).success, true);
  assert.equal((await world.admin('PUT', `/connectors/${connector.id}`, { call_rules: {} })).status, 200);
});

test('every refusal has a status, a code, and words that the SDK shows', async () => {
  const user = await world.user('caller');
  const common = { serverUrl: world.product.base, appId: user.app.id };
  const ask = (client) => client.asServiceRole.connectors;
  const wrong = createClient({ ...common, token: user.jwt, serviceToken: `${user.app.key.slice(0, -1)}!` });
  const asUser = createClient({ ...common, token: user.jwt, serviceToken: user.jwt });
  const asks = (connectors) => [
    () => connectors.getConnection(TYPE),
    () => connectors.getWorkspaceConnection(connector.id),
    () => connectors.callApi(TYPE, { path: '/x' }),
  ];
  for (const call of asks(ask(wrong))) assert.deepEqual(await shown(call()), [401, 'unauthorized']);
  for (const call of asks(ask(asUser))) assert.deepEqual(await shown(call()), [403, 'service_only']);
  for (const call of asks(backend).slice(0, 2)) assert.deepEqual(await shown(call()), [404, 'NOT_FOUND']);
  assert.deepEqual(await shown(backend.callApi(TYPE, { path: '/x', query: { a: { b: 1 } } })), [
    422,
    'invalid_request',
  ]);
  const governance = (on) =>
    world.admin('PUT', '/connector-governance', { integration_type: TYPE, per_user_connection_enabled: on });
  assert.equal((await governance(false)).status, 200);
  assert.deepEqual(await shown(backend.callApi(TYPE, { path: '/x' })), [403, 'blocked_by_policy']);
  assert.equal((await governance(true)).status, 200);
  assert.equal((await backend.callApi(TYPE, { path: '/x' })).success, true);
  // What the SDK itself does not send never reaches anybody.
  const before = api.seen.length;
  for (const request of [undefined, {}, { path: '' }, { path: '/x', method: 'TRACE' }])
    await assert.rejects(backend.callApi(TYPE, request), (error) => !(error instanceof Base44Error));
  for (const call of [() => backend.getConnection(''), () => backend.getWorkspaceConnection(undefined)])
    await assert.rejects(call, (error) => !(error instanceof Base44Error));
  assert.equal(api.seen.length, before);
});

test('a user who has not connected has nothing called', async () => {
  const stranger = await world.user('stranger');
  const client = createClient({
    serverUrl: world.product.base,
    appId: stranger.app.id,
    token: stranger.jwt,
    serviceToken: stranger.app.key,
  });
  assert.deepEqual(await refused(client.asServiceRole.connectors.callApi(TYPE, { path: '/x' })), [404, 'NOT_FOUND']);
});

test('a grant that is over asks for the user, and is told apart from none at all', async () => {
  const user = await world.user('ended');
  await world.connect(user, connector);
  const client = createClient({
    serverUrl: world.product.base,
    appId: user.app.id,
    token: user.jwt,
    serviceToken: user.app.key,
  });
  const connectors = client.asServiceRole.connectors;
  const { accessToken } = await connectors.getCurrentAppUserConnection(connector.id);
  await world.provider.endGrantOf(accessToken);
  assert.deepEqual(await refused(connectors.callApi(TYPE, { path: '/x' })), [409, 'reconnect_required']);
  assert.deepEqual(await refused(connectors.callApi(TYPE, { path: '/x' })), [409, 'reconnect_required']);
});
