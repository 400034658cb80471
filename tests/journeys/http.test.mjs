// HTTP itself: what is no JSON, too long, of another type, at no route or by another method, and what a page may read.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { assertProblem } from '../harness/problems.mjs';
import { World } from '../harness/world.mjs';

const MEBIBYTE = 1024 * 1024;

/** A body that never ends is refused as soon as this much of it has come. */
const MORE_THAN_IS_READ = 129 * 1024;
const UNKNOWN = 'con_01ARZ3NDEKTSV4RRFFQ69G5FAV';

let world;
let connector;
let user;
let connectors;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
  user = await world.user('alice');
  connectors = `${world.app.path}/app-user-auth/connectors`;
});
after(() => world.close());

const good = (extra = {}) => ({
  integration_type: 'oidc-provider',
  name: 'A name',
  client_id: 'id',
  client_secret: 'secret',
  scopes: ['openid'],
  ...extra,
});

function raw(method, path, body, headers = {}) {
  return world.api.request(method, path, { key: world.adminKey, body, headers });
}

/** A request as it is, tidied up by nobody: `write` may send a body, or leave it half sent. */
function bare(method, path, headers = {}, write = (sent) => sent.end()) {
  const { hostname, port } = new URL(world.product.base);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers });
    sent.on('error', reject).on('response', async (answer) => {
      let text = '';
      for await (const part of answer.setEncoding('utf8')) text += part;
      sent.destroy();
      const seen = new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
      resolve({ status: answer.statusCode, headers: seen, text, body: JSON.parse(text || 'null') });
    });
    write(sent);
  });
}

test('400: what is no JSON object is told from what is a wrong one', async () => {
  for (const body of [
    '',
    '{',
    '{"name": "x",}',
    '{"name": "x"} trailing',
    'null',
    '[]',
    '"text"',
    '{"name":"\\ud800"}',
  ]) {
    const answer = await raw('POST', `${world.workspace}/connectors`, body, { 'content-type': 'application/json' });
    assert.ok([400, 422].includes(answer.status), `${body} → ${answer.status} ${answer.text}`);
    assert.deepEqual([typeof answer.body.detail, answer.body.code], ['string', 'invalid_request'], body);
  }
  assertProblem(await raw('POST', `${world.workspace}/connectors`, '{', { 'content-type': 'application/json' }), {
    status: 400,
    code: 'invalid_request',
  });
});

test('400: a field that is there twice is refused', async () => {
  const twice = JSON.stringify(good()).replace('{', '{"name":"first",');
  const answer = await raw('POST', `${world.workspace}/connectors`, twice, { 'content-type': 'application/json' });
  assert.ok([400, 422].includes(answer.status), answer.text);
});

test('413: a body of a mebibyte is refused, announced or not', async () => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${world.adminKey}` };
  const path = `${world.workspace}/connectors`;
  const expected = { status: 413, code: 'payload_too_large' };
  const announced = { ...headers, 'content-length': MEBIBYTE, expect: '100-continue' };
  assertProblem(await bare('POST', path, announced, (sent) => sent.flushHeaders()), expected);
  const unannounced = await bare('POST', path, headers, (sent) => sent.write('x'.repeat(MORE_THAN_IS_READ)));
  assertProblem(unannounced, expected);
});

test('415: only JSON is taken', async () => {
  const body = JSON.stringify(good({ name: '' }));
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'text/json']) {
    const answer = await raw('POST', `${world.workspace}/connectors`, body, { 'content-type': type });
    assertProblem(answer, { status: 415, code: 'unsupported_media_type' }, type);
  }
  const charset = { 'content-type': 'application/json; charset=utf-8' };
  const answer = await raw('POST', `${world.workspace}/connectors`, body, charset);
  assertProblem(answer, { status: 422, code: 'invalid_request', errors: ['/name'] });
});

test('404: an unknown route, and nothing tidied up into a known one', async () => {
  const authorization = `Bearer ${world.app.key}`;
  for (const path of [
    '/api/nothing',
    '/api/',
    `${connectors}/${connector.id}/tokens`,
    `${connectors}//${connector.id}/token`,
    `${connectors}/${connector.id}/token/`,
    `${connectors}/%2e%2e/connectors`,
    `${connectors}/../connectors/${connector.id}/token/x`,
  ]) {
    const answer = await bare('GET', path, { authorization, 'on-behalf-of': `Bearer ${user.jwt}` });
    assert.equal(answer.status, 404, `${path} → ${answer.status} ${answer.text}`);
    assert.equal(answer.body.code, 'NOT_FOUND', path);
  }
});

test('405: a known route with another method names the right ones', async () => {
  for (const [method, path] of [
    ['POST', `${connectors}/${connector.id}/token`],
    ['GET', `${connectors}/${connector.id}/initiate`],
    ['DELETE', `${world.workspace}/connectors`],
    ['PATCH', `${world.workspace}/connectors/${connector.id}`],
  ]) {
    const answer = await world.api.request(method, path, { key: world.adminKey });
    assertProblem(answer, { status: 405, code: 'method_not_allowed' }, `${method} ${path}`);
    assert.ok(answer.headers.get('allow'), 'Allow says what is possible');
  }
});

test('callback pages: every refusal is a 400 page of our own words', async () => {
  const paths = [
    `/${connector.id}`,
    `/${connector.id}?state=x&code=y`,
    `/${UNKNOWN}?state=x&code=y`,
    `/nonsense?state=x&code=y`,
    `/${connector.id}?error=<script>alert(1)</script>&state=x`,
  ];
  for (const path of paths) {
    const answer = await world.api.get(`/api/external-auth/callback${path}`);
    assert.equal(answer.status, 400, `${path} ${answer.text.slice(0, 200)}`);
    assert.match(answer.headers.get('content-type'), /^text\/html/);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
    assert.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/);
    assert.ok(!answer.text.includes('<script>alert'));
  }
});

test('CORS reflects an app’s registered origins and no other', async () => {
  const path = `${connectors}/${connector.id}/initiate`;
  const preflight = (origin) =>
    world.api.request('OPTIONS', path, {
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-app-id',
      },
    });
  const known = await preflight('https://app.example');
  assert.ok([200, 204].includes(known.status), known.text);
  assert.equal(known.headers.get('access-control-allow-origin'), 'https://app.example');
  assert.match(known.headers.get('access-control-allow-headers'), /x-base44-anonymous-id/i);
  const unknown = await preflight('https://evil.example');
  assert.equal(unknown.headers.get('access-control-allow-origin'), null);
  const refused = await world.api.post(path, { headers: { origin: 'https://app.example' }, body: '' });
  assert.equal(refused.headers.get('access-control-allow-origin'), 'https://app.example', 'a page can read its error');
});
