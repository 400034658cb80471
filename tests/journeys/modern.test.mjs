// A provider of which nothing but the issuer is named, and which asks for everything that protects a flow beyond the first
// RFC: requests that are pushed, clients that sign, tokens that are bound to a key.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { calculateJwkThumbprint } from 'jose';
import { assertProblem } from '../harness/problems.mjs';
import { passed } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

/** Seconds that an access token lives which is to end within the test. */
const SHORT_LIFE = 3;

const worlds = {};

/** Each world asks for one thing more than the plainest provider; the last for all of them. */
const WORLDS = {
  pushed: { security: { pushed: true } },
  signed: { security: { methods: ['private_key_jwt'] } },
  // That all tokens are bound no metadata says: it is found out with the first code.
  bound: { security: { bound: true } },
  public: { security: { bound: true, methods: ['none'] } },
  optional: { security: { bindable: true } },
  told: { security: { bound: true }, said: { token: { dpop: 'required' } } },
  all: { security: { pushed: true, bound: true, methods: ['private_key_jwt'] } },
};

before(async () => {
  const first = await World.open(WORLDS.pushed);
  worlds.pushed = first;
  for (const name of Object.keys(WORLDS).slice(1)) {
    worlds[name] = await World.open({ ...WORLDS[name], product: first.product, type: `modern-${name}` });
  }
});
after(async () => {
  for (const name of Object.keys(WORLDS).toReversed()) await worlds[name]?.close();
});

const has = (name, what) => WORLDS[name].security[what] ?? false;
const signs = (name) => has(name, 'methods') && WORLDS[name].security.methods.includes('private_key_jwt');

for (const name of Object.keys(WORLDS).filter((name) => name !== 'optional')) {
  test(`${name}: a user connects, the token is refreshed, and ends at the provider`, async () => {
    const world = worlds[name];
    const connector = await world.newConnector({ scopes: ['openid', 'email', 'calendar.read'] });
    assert.equal(connector.key !== null, signs(name) || has(name, 'bound'));
    const user = await world.user('alice');
    const old = await world.connectBriefly(user, connector, SHORT_LIFE);
    assert.equal(old.token_type, has(name, 'bound') ? 'DPoP' : 'Bearer');
    assert.equal(old.account.id, 'alice-account');
    await passed(old.expires_at);
    const before = world.provider.journal.granted('refresh_token');
    const { status, body } = await world.token(user, connector);
    assert.equal(status, 200);
    assert.notEqual(body.access_token, old.access_token);
    const issued = await world.provider.issued(body.access_token);
    assert.equal(issued.jkt, has(name, 'bound') ? await calculateJwkThumbprint(connector.key.jwk) : undefined);
    assert.equal(world.provider.journal.granted('refresh_token'), before + 1);
    const gone = await world.disconnect(user, connector);
    assert.deepEqual([gone.status, gone.body.revocation], [200, 'revoked'], gone.text);
    assert.equal(await world.provider.issued(body.access_token), undefined);
    const { secrets } = world.provider.journal;
    const signed = secrets.filter(([kind]) => kind === 'client assertion').map(([, value]) => value);
    assert.equal(new Set(signed).size, signed.length, 'no assertion is used twice');
    assert.equal(signed.length > 0, signs(name));
  });
}

test('the browser carries a reference to a pushed request, and nothing of the request', async () => {
  const connector = await worlds.pushed.newConnector();
  const user = await worlds.pushed.user('reader');
  const { body } = await worlds.pushed.initiate(user, connector);
  const url = new URL(body.redirect_url);
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri']);
});

test('a link pushes its request when it is opened, and a failure spends neither link nor session', async () => {
  const world = worlds.pushed;
  const connector = await world.newConnector();
  const user = await world.user('linked');
  const link = await world.api.post(`${world.app.path}/connect-sessions`, {
    key: world.app.key,
    json: { user: { sub: 'linked' }, connector_id: connector.id },
  });
  assert.equal(link.status, 201, link.text);
  world.provider.failPushedRequests(503);
  const onPage = (what) => {
    const page = `${new URL(link.body.connect_url).pathname}/${what}`;
    return world.api.post(page, { through: user.browser, headers: { 'x-own-page': '1' } });
  };
  assert.equal((await onPage('open')).status, 200);
  const refused = await onPage('continue');
  assert.equal(refused.status, 503, refused.text);
  const begun = await world.initiate(await world.user('other'), connector);
  assertProblem(begun, {
    status: 503,
    code: 'provider_unavailable',
    upstream: { error: null, status: 503 },
  });
  assert.ok(Number(begun.headers.get('retry-after')) > 0);
  world.provider.failPushedRequests(null);
  const led = await onPage('continue');
  assert.equal(led.status, 200, led.text);
  const landed = await user.browser.approve(led.body.redirect_url);
  assert.equal(landed.url.searchParams.get('status'), 'awaiting_finish');
});

test('a client that the provider does not know is told of before anybody is sent there', async () => {
  const world = worlds.signed;
  const connector = await world.newConnector({ register: false });
  assert.equal((await world.initiate(await world.user('early'), connector)).status, 200, 'nothing is pushed there');
  const pushing = await worlds.all.newConnector({ register: false });
  const begun = await worlds.all.initiate(await worlds.all.user('early'), pushing);
  const upstream = { error: 'invalid_client', status: 401 };
  assertProblem(begun, { status: 502, code: 'connector_misconfigured', upstream });
});

test('the keys are published for the provider, shown to admins, and nothing private is in them', async () => {
  const world = worlds.signed;
  const connector = await world.newConnector();
  const published = await (await fetch(connector.key.jwks_uri)).json();
  assert.deepEqual(published, { keys: [connector.key.jwk] });
  assert.equal(connector.key.jwk.kid, await calculateJwkThumbprint(connector.key.jwk));
  assert.deepEqual(Object.keys(connector.key.jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const shown = await world.admin('GET', `/connectors/${connector.id}/jwks.json`);
  assert.deepEqual(shown.body, published);
  const plain = await worlds.pushed.newConnector();
  assert.equal(plain.key, null);
  assert.deepEqual((await worlds.pushed.admin('GET', `/connectors/${plain.id}/jwks.json`)).body, { keys: [] });
  for (const id of [plain.id, 'con_01KAMXJ5E0C0NNECT0R0000000', 'x'])
    assert.equal((await fetch(`${world.product.base}/api/external-auth/jwks/${id}`)).status, 404, id);
});

test('a key gives way to a new one, and nobody notices', async () => {
  const world = worlds.signed;
  const connector = await world.newConnector();
  const user = await world.user('rotating');
  const old = await world.connectBriefly(user, connector, SHORT_LIFE);
  const changed = await world.admin('PUT', `/connectors/${connector.id}`, { rotate_key: true });
  assert.equal(changed.status, 200, changed.text);
  assert.notEqual(changed.body.key.jwk.kid, connector.key.jwk.kid);
  const published = await (await fetch(connector.key.jwks_uri)).json();
  assert.deepEqual(published, { keys: [changed.body.key.jwk, connector.key.jwk] });
  assert.equal(Date.parse(changed.body.key.signs_from) - Date.parse(changed.body.key.made_at), 3_600_000);
  await passed(old.expires_at);
  assert.equal((await world.token(user, connector)).status, 200, 'the provider has not fetched the keys again');
  const hasty = await world.admin('PUT', `/connectors/${connector.id}`, { rotate_key: true });
  assertProblem(hasty, { status: 409, code: 'conflict' });
});

test('a provider that can bind tokens and was not asked to gives bearer tokens, and the key waits', async () => {
  const world = worlds.optional;
  const connector = await world.newConnector();
  assert.notEqual(connector.key, null);
  const user = await world.user('bearer');
  const old = await world.connectBriefly(user, connector, SHORT_LIFE);
  assert.equal(old.token_type, 'Bearer');
  await passed(old.expires_at);
  const { status, body } = await world.token(user, connector);
  assert.deepEqual([status, body.token_type], [200, 'Bearer']);
  assert.equal((await world.provider.issued(body.access_token)).jkt, undefined);
});

test('what the first code taught is remembered: the second user is bound from the start', async () => {
  const world = worlds.bound;
  const connector = await world.newConnector();
  const first = await world.user('first');
  await world.connectBriefly(first, connector, SHORT_LIFE);
  const { body } = await world.initiate(await world.user('second'), connector);
  assert.equal(new URL(body.redirect_url).searchParams.get('dpop_jkt'), connector.key.jwk.kid);
});

test('a key that tokens are bound to stays, and a provider without keys gets none', async () => {
  const told = await worlds.told.newConnector();
  const refused = await worlds.told.admin('PUT', `/connectors/${told.id}`, { rotate_key: true });
  assertProblem(refused, { status: 409, code: 'conflict' });
  const plain = await worlds.pushed.newConnector();
  const senseless = await worlds.pushed.admin('PUT', `/connectors/${plain.id}`, { rotate_key: true });
  assertProblem(senseless, { status: 422, code: 'invalid_request', errors: ['/rotate_key'] });
});
