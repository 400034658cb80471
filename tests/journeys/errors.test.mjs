// Every refusal of API.md once, to the last member of its body: apps branch on these.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { assertProblem } from '../harness/problems.mjs';
import { World } from '../harness/world.mjs';

const NO_CONNECTION = 'No active connection found for this connector';
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
  client_secret: 'canary-of-the-form',
  scopes: ['openid'],
  ...extra,
});

test('401: a missing, malformed, unknown or altered proof gets one and the same body', async () => {
  const altered = `${world.app.key.slice(0, -1)}${world.app.key.endsWith('0') ? '1' : '0'}`;
  const bodies = new Set();
  for (const authorization of [
    undefined,
    'Bearer',
    'Bearer ',
    'Basic eDp5',
    'Bearer x',
    `Bearer ${altered}`,
    `Bearer uck_app_${'0'.repeat(60)}`,
  ]) {
    const answer = await world.api.get(`${connectors}/${connector.id}/token`, {
      user: user.jwt,
      headers: authorization === undefined ? {} : { authorization },
    });
    assertProblem(answer, { status: 401, code: 'unauthorized' }, authorization);
    bodies.add(JSON.stringify({ ...answer.body, request_id: '' }));
    assert.match(answer.headers.get('www-authenticate') ?? 'Bearer', /^Bearer/);
  }
  assert.equal(bodies.size, 1);
});

test('401: a service key alone is no user, and a field in the body never becomes one', async () => {
  assertProblem(await world.api.get(`${connectors}/${connector.id}/token`, { key: world.app.key }), {
    status: 401,
    code: 'unauthorized',
  });
  const answer = await world.api.post(`${connectors}/${connector.id}/initiate`, {
    key: world.app.key,
    json: { user_id: 'alice' },
  });
  assert.ok([401, 403, 422].includes(answer.status), answer.text);
});

test('401: an admin route wants an admin key', async () => {
  for (const key of [undefined, world.app.key, user.jwt]) {
    const answer = await world.api.get(`${world.workspace}/connectors`, { key });
    assert.ok([401, 403].includes(answer.status), answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  }
});

test('403 service_only: a user’s own token fetches no token', async () => {
  const answer = await world.api.get(`${connectors}/${connector.id}/token`, { key: user.jwt });
  assertProblem(answer, { status: 403, code: 'service_only' });
  assert.equal(answer.headers.get('x-base44-connector-error'), 'service_only');
});

test('403: a read-only key looks and changes nothing', async () => {
  const made = await world.admin('POST', '/keys', { name: 'auditor', role: 'read' });
  assert.equal(made.status, 201, made.text);
  assert.match(made.body.key, /^uck_read_/);
  assert.equal((await world.api.get(`${world.workspace}/connectors`, { key: made.body.key })).status, 200);
  const answer = await world.api.post(`${world.workspace}/connectors`, { key: made.body.key, json: good() });
  assert.equal(answer.status, 403, answer.text);
});

test('404 NOT_FOUND: never connected, no such connector and a malformed id', async () => {
  const expected = { status: 404, code: 'NOT_FOUND', detail: NO_CONNECTION };
  for (const id of [connector.id, UNKNOWN, 'nonsense', '%00', '%F0%9F%92%A9', 'a%2Fb']) {
    const answer = await world.api.get(`${connectors}/${id}/token`, { key: world.app.key, user: user.jwt });
    assertProblem(answer, expected, id);
    assert.equal(answer.headers.get('x-base44-connector-error'), 'NOT_FOUND');
  }
});

test('404: another workspace’s connector looks exactly like one that does not exist', async () => {
  for (const [method, body] of [['GET'], ['PUT', { name: 'mine now' }], ['DELETE']]) {
    const answer = await world.admin(method, `/connectors/${UNKNOWN}`, body);
    assertProblem(answer, { status: 404, code: 'NOT_FOUND' }, method);
  }
});

test('409 conflict: a name that is taken', async () => {
  const taken = await world.admin('POST', '/connectors', good({ name: connector.name }));
  assertProblem(taken, { status: 409, code: 'conflict', ...(taken.body.errors && { errors: ['/name'] }) });
});

test('409 missing_scopes and its neighbours on the token route', async () => {
  const frugal = await world.user('frugal');
  await world.connect(frugal, connector, { scopes: ['openid', 'email'] });
  const answer = await world.token(frugal, connector, '?required_scopes=calendar.read%20openid');
  assertProblem(answer, { status: 409, code: 'missing_scopes' });
  assert.equal(answer.headers.get('x-base44-connector-error'), 'missing_scopes');
  for (const query of ['?min_ttl=soon', '?min_ttl=-1', '?rejected_token_sha256=xyz']) {
    const pointer = query.split('=')[0];
    const wrong = await world.token(frugal, connector, query);
    assertProblem(wrong, { status: 422, code: 'invalid_request', errors: [pointer] }, query);
  }
});

test('422 invalid_request: every wrong field is named by its pointer', async () => {
  const cases = [
    [{ integration_type: undefined }, ['/integration_type']],
    [{ integration_type: 'no-such-provider' }, ['/integration_type']],
    [{ name: '' }, ['/name']],
    [{ name: 7 }, ['/name']],
    [{ name: null }, ['/name']],
    [{ name: 'x'.repeat(5_000) }, ['/name']],
    [{ client_id: undefined }, ['/client_id']],
    [{ client_secret: '' }, ['/client_secret']],
    [{ scopes: 'openid' }, ['/scopes']],
    [{ scopes: ['openid', 'not a scope'] }, ['/scopes/1']],
    [{ connection_config: [] }, ['/connection_config']],
    [{ kind: 'sometimes' }, ['/kind']],
    [{ id: 'connector-1' }, ['/id']],
    [{ surprise: true }, ['/surprise']],
  ];
  for (const [change, errors] of cases) {
    const answer = await world.admin('POST', '/connectors', good(change));
    assertProblem(answer, { status: 422, code: 'invalid_request', errors }, JSON.stringify(change).slice(0, 80));
    assert.ok(!answer.text.includes('canary'), 'what was sent is not sent back');
  }
  const { body } = await world.admin('GET', '/connectors');
  assert.ok(!body.connectors.some(({ name }) => name === 'A name'), 'nothing was stored');
});

test('422: endpoints that lead inside are refused when a provider is registered', async () => {
  const endpoints = (url) => ({
    id: 'inside',
    name: 'Inside',
    authorize: { url },
    token: { url, client_auth: 'basic' },
  });
  for (const url of [
    'https://169.254.169.254/',
    'https://10.0.0.5/',
    'https://[::ffff:169.254.169.254]/',
    'http://provider.example/token',
    'file:///etc/passwd',
    'gopher://provider.example/',
    'https://user:pw@provider.example/',
    'nonsense',
  ]) {
    const answer = await world.admin('POST', '/providers', endpoints(url));
    assert.deepEqual([answer.status, answer.body?.code], [422, 'invalid_request'], `${url} ${answer.text}`);
  }
  const { body } = await world.api.get(`${world.workspace}/providers`, { key: world.adminKey });
  assert.ok(!body.providers.some(({ id }) => id === 'inside'));
});
