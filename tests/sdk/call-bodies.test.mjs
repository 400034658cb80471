// What `callApi` of the unmodified npm `@base44/sdk` can send, and every form in which an API answers it.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Base44Error, createClient } from '@base44/sdk';
import { World } from '../harness/world.mjs';

const TYPE = 'echoing';
const FORM = 'application/x-www-form-urlencoded';
let world;
let user;
let connectors;
let api;

/** What an API says at each of these paths, as `[status, headers, body in pieces]`. */
const SAID = {
  '/json': [200, { 'content-type': 'application/json' }, ['{"id":1,', '"b":[null]}']],
  '/problem': [422, { 'content-type': 'application/problem+json; charset=utf-8' }, ['{"title":"No"}']],
  '/text': [200, { 'content-type': 'text/plain; charset=utf-8' }, ['grün']],
  '/latin': [200, { 'content-type': 'text/plain; charset=iso-8859-1' }, [Buffer.from('gr\xfcn', 'latin1')]],
  '/page': [500, { 'content-type': 'text/html' }, ['<script>alert(1)</script>']],
  '/lie': [200, { 'content-type': 'application/json' }, ['<html>']],
  '/untyped': [200, {}, ['[1]']],
  '/null': [200, { 'content-type': 'application/json' }, ['null']],
  '/empty': [204, {}, []],
  '/unmodified': [304, { etag: '"1"' }, []],
  '/picture': [200, { 'content-type': 'image/png' }, [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0xff])]],
  '/gzip': [
    200,
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    [gzipSync('{"big":12345678901234567890}')],
  ],
  '/moved': [307, { location: 'https://evil.example/' }, ['elsewhere']],
};

async function startApi() {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    server.seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const [status, told, pieces] = SAID[url.replace(/^\/v1/, '')] ?? [200, {}, []];
    response.writeHead(status, told);
    for (const piece of pieces) response.write(piece);
    response.end();
  });
  server.seen = [];
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.base = `http://127.0.0.1:${server.address().port}`;
  return server;
}

before(async () => {
  api = await startApi();
  const said = { api: { base_url: `${api.base}/v1`, request_headers: ['X-Tenant'] } };
  world = await World.open({ type: TYPE, said });
  user = await world.user('sender');
  await world.connect(user, await world.newConnector());
  connectors = clientOf(user).asServiceRole.connectors;
});
after(async () => {
  api.closeAllConnections();
  api.close();
  await world.close();
});

function clientOf({ app, jwt }) {
  return createClient({ serverUrl: world.product.base, appId: app.id, token: jwt, serviceToken: app.key });
}

/** What reached the API of a call. */
async function sent(request) {
  api.seen.length = 0;
  await connectors.callApi(TYPE, request);
  assert.equal(api.seen.length, 1);
  return api.seen.pop();
}

async function refused(request, type = TYPE) {
  api.seen.length = 0;
  const error = await connectors.callApi(type, request).catch((cause) => cause);
  assert.ok(error instanceof Base44Error, String(error));
  assert.equal(api.seen.length, 0, 'nothing reached the API');
  assert.equal(error.message, error.data.detail);
  assert.equal(error.originalError.response.headers['x-base44-connector-error'], error.code);
  return [error.status, error.code, error.data.errors?.[0].pointer];
}

test('a body of any kind that JSON has arrives as the SDK wrote it, and no body as none', async () => {
  const bodies = [
    { a: 1, b: [true, null, 'ü'], nothing: undefined },
    [],
    {},
    'text',
    '',
    0,
    false,
    1.5e300,
    12345678901234567890,
    new Date(0),
  ];
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const body of bodies) {
      const { headers, ...seen } = await sent({ method, path: '/x', body });
      assert.deepEqual(seen, { method, url: '/v1/x', body: JSON.stringify(body) });
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(headers['content-length'], `${Buffer.byteLength(seen.body)}`);
    }
    for (const body of [undefined, null, NaN]) {
      const { headers, body: seen } = await sent({ method, path: '/x', body, headers: { 'Content-Type': 'text/csv' } });
      assert.deepEqual([seen, headers['content-type']], ['', undefined], `${method} ${body}`);
    }
  }
});

test('what only looks has no body, whatever is given', async () => {
  for (const method of ['GET', 'HEAD']) {
    for (const body of [{ a: 1 }, 'a', undefined]) {
      const { headers, ...seen } = await sent({ method, path: '/x', body, headers: { 'content-type': 'image/png' } });
      assert.deepEqual(seen, { method, url: '/v1/x', body: '' });
      assert.deepEqual([headers['content-type'], headers['content-length']], [undefined, undefined]);
    }
  }
});

test('a text and the fields of a form go in the type that the headers name, in whatever case', async () => {
  for (const [name, type, body, expected] of [
    ['content-type', FORM, { a: 'b c', list: [1, 'ü'], none: null }, 'a=b%20c&list=1&list=%C3%BC'],
    ['Content-Type', FORM, `${new URLSearchParams({ a: 'b c', d: '&' })}`, 'a=b+c&d=%26'],
    ['CONTENT-TYPE', 'text/csv; charset=utf-8', 'a,b\r\nü,d', 'a,b\r\nü,d'],
    ['content-Type', 'application/merge-patch+json', { a: null }, '{"a":null}'],
    ['Content-type', 'multipart/related; boundary=b', '--b\r\n\r\n{}\r\n--b--', '--b\r\n\r\n{}\r\n--b--'],
  ]) {
    const seen = await sent({ method: 'POST', path: '/x', headers: { [name]: type }, body });
    assert.deepEqual([seen.headers['content-type'], seen.body], [type, expected], type);
  }
});

/** The SDK writes all of these as `{}`, or as a list of numbers: only what stands beside them says that something is lost. */
test('what JSON does not have is refused where the headers say what it was meant to be', async () => {
  const file = new Blob(['abc'], { type: 'image/png' });
  const form = new FormData();
  form.set('file', file);
  for (const [type, body] of [
    ['multipart/form-data; boundary=b', form],
    ['image/png', file],
    ['application/octet-stream', new ArrayBuffer(3)],
    ['application/octet-stream', Uint8Array.of(1, 2, 3)],
    ['application/octet-stream', Buffer.from('abc')],
    ['text/plain', ['a']],
  ]) {
    const request = { method: 'POST', path: '/x', headers: { 'Content-Type': type }, body };
    assert.deepEqual(await refused(request), [422, 'invalid_request', '/body'], type);
  }
  await assert.rejects(connectors.callApi(TYPE, { method: 'POST', path: '/x', body: 1n }), /BigInt/);
  assert.equal(api.seen.length, 0);
});

test('a query has each value of a list, and none of what is nothing', async () => {
  const query = { z: 'last', list: ['a', 2, 'b&c=d'], yes: true, n: -0.5, empty: '', no: undefined, none: null };
  const { url } = await sent({ path: '/x?first=1&first=2&flag&plus=a+b#'.replace('#', ''), query });
  const told = [...new URL(url, api.base).searchParams];
  assert.deepEqual(told.slice(0, 4), [
    ['first', '1'],
    ['first', '2'],
    ['flag', ''],
    ['plus', 'a b'],
  ]);
  assert.deepEqual(
    new Set(told.slice(4).map((pair) => pair.join('='))),
    new Set(['empty=', 'list=a', 'list=2', 'list=b&c=d', 'n=-0.5', 'yes=true', 'z=last']),
  );
  for (const value of [{ a: 1 }, [[1]], [null]])
    assert.deepEqual(await refused({ path: '/x', query: { value } }), [422, 'invalid_request', '/query']);
  assert.deepEqual(await refused({ path: '/x', query: 'a=b' }), [422, 'invalid_request', '/query']);
});

test('of the headers those go along that the API knows, in whatever case they are written', async () => {
  const headers = {
    ACCEPT: 'text/csv',
    'if-None-Match': '"1"',
    'x-TENANT': 't-1',
    'X-Other': 'x',
    'If-Match': null,
    Prefer: undefined,
    Authorization: 'Bearer mine',
    HOST: 'evil.example',
    Cookie: 'a=b',
  };
  const seen = await sent({ path: '/x', headers });
  assert.deepEqual(
    ['accept', 'if-none-match', 'x-tenant', 'x-other', 'if-match', 'prefer', 'cookie', 'host'].map(
      (name) => seen.headers[name],
    ),
    ['text/csv', '"1"', 't-1', undefined, undefined, undefined, undefined, new URL(api.base).host],
  );
  assert.notEqual(seen.headers.authorization, 'Bearer mine');
  assert.deepEqual(await refused({ path: '/x', headers: { Accept: 'a\r\nb: c' } }), [
    422,
    'invalid_request',
    '/headers/Accept',
  ]);
  assert.deepEqual(await refused({ path: '/x', headers: { Accept: 1 } }), [422, 'invalid_request', '/headers']);
});

test('an answer of every form is read as what it is', async () => {
  const read = async (path, method = 'GET') => {
    const answer = await connectors.callApi(TYPE, { method, path });
    assert.deepEqual([answer.phase, answer.creditsCharged, typeof answer.headers], ['responded', 0, 'object']);
    return [answer.success, answer.status, answer.data, answer.dataBase64, answer.contentType];
  };
  for (const [path, expected] of [
    ['/json', [true, 200, { id: 1, b: [null] }, null, null]],
    ['/problem', [false, 422, { title: 'No' }, null, null]],
    ['/text', [true, 200, 'grün', null, null]],
    [
      '/latin',
      [true, 200, null, Buffer.from('gr\xfcn', 'latin1').toString('base64'), 'text/plain; charset=iso-8859-1'],
    ],
    ['/page', [false, 500, '<script>alert(1)</script>', null, null]],
    ['/lie', [true, 200, '<html>', null, null]],
    ['/untyped', [true, 200, [1], null, null]],
    ['/null', [true, 200, null, null, null]],
    ['/empty', [true, 204, null, null, null]],
    ['/unmodified', [false, 304, null, null, null]],
    ['/picture', [true, 200, null, 'iVBORwD/', 'image/png']],
    ['/gzip', [true, 200, { big: 12345678901234567890 }, null, null]],
    ['/moved', [false, 307, 'elsewhere', null, null]],
  ])
    assert.deepEqual(await read(path), expected, path);
  assert.deepEqual(await read('/json', 'HEAD'), [true, 200, null, null, null]);
});

test('an answer is never a page of this origin, whatever the API calls it', async () => {
  const path = `${user.app.path}/connectors/${TYPE}/call`;
  const options = { key: user.app.key, user: user.jwt, json: { path: '/page' } };
  const { status, headers } = await world.api.post(path, options);
  assert.deepEqual(
    [status, headers.get('content-type'), headers.get('x-content-type-options'), headers.get('cache-control')],
    [200, 'application/json', 'nosniff', 'no-store'],
  );
});

test('a type or an id with reserved characters selects nothing else', async () => {
  for (const odd of [
    'a/b',
    `../connectors/${TYPE}`,
    `${TYPE}/call`,
    `${TYPE}?x=1`,
    '%2e%2e',
    '.',
    'ü 漢',
    `${TYPE}\0`,
  ]) {
    assert.deepEqual(await refused({ path: '/x' }, odd), [404, 'NOT_FOUND', undefined], odd);
    for (const ask of [(id) => connectors.getConnection(id), (id) => connectors.getWorkspaceConnection(id)]) {
      const error = await ask(odd).catch((cause) => cause);
      assert.ok(error instanceof Base44Error, String(error));
      assert.deepEqual([error.status, error.code], [404, 'NOT_FOUND'], odd);
    }
  }
});

test('a document goes as it is, and one that is larger than is taken is refused with words', async () => {
  const post = (body) => ({ method: 'POST', path: '/x', body });
  const document = { title: 'ü', lines: Array(9_000).fill('a'.repeat(100)) };
  const { body } = await sent(post(document));
  assert.ok(body === JSON.stringify(document), `${body.length} characters of it arrived`);
  assert.deepEqual(await refused(post('a'.repeat(1024 * 1024))), [413, 'payload_too_large', undefined]);
});
