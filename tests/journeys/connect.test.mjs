// From the first click to a token: what the user, the app and the provider see, and what an interloper gets.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Browser } from '../harness/browser.mjs';
import { assertProblem } from '../harness/problems.mjs';
import { returned, RETURN_URL, World } from '../harness/world.mjs';

let world;
let connector;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
});
after(() => world.close());

async function started(user, choices) {
  const answer = await world.initiate(user, connector, choices);
  assert.equal(answer.status, 200, answer.text);
  return answer.body;
}

const exchanges = () => world.provider.journal.granted('authorization_code');

/** The provider's redirect to the callback, caught before the product sees it. */
async function redirectOfProvider(user, authorizeUrl) {
  const page = await user.browser.open(authorizeUrl);
  const original = user.browser.open;
  user.browser.open = async function stopAtCallback(address, init) {
    if (String(address).startsWith(connector.redirect_uri)) return new URL(address);
    const answer = await this.fetch(address, init);
    return stopAtCallback.call(this, new URL(answer.headers.get('location'), address), {});
  };
  const callback = await user.browser.submit(page, [
    ['account', 'ada'],
    ['scope', 'openid'],
    ['scope', 'email'],
    ['scope', 'calendar.read'],
    ['decision', 'allow'],
  ]);
  user.browser.open = original;
  return callback;
}

test('PUB-01 a user connects from the page, and the app’s backend gets a token the provider takes', async () => {
  const user = await world.user('alice');
  const before = exchanges();
  const begun = await started(user, { browser: user.browser, json: { return_to: `${world.product.base}/done` } });
  assert.equal(begun.already_authorized, false);
  const landed = await user.browser.approve(begun.redirect_url);
  assert.equal(landed.url.pathname, '/done');
  assert.deepEqual([...landed.url.searchParams.keys()].sort(), ['session_id', 'status']);
  assert.equal(landed.url.hash, '');
  assert.equal(returned(landed).status, 'completed');
  assert.equal(returned(landed).sessionId, begun.session_id);

  const answer = await world.token(user, connector);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  assert.equal(await world.provider.accepts(answer.body.access_token), true);
  assert.equal(exchanges(), before + 1);
});

test('a token answer says all that API.md promises', async () => {
  const user = await world.user('alice');
  const { body } = await world.token(user, connector);
  assert.deepEqual(Object.keys(body).sort(), [
    'access_token',
    'account',
    'connection_config',
    'connection_id',
    'expires_at',
    'granted_scopes',
    'integration_type',
    'missing_scopes',
    'reconnect_required',
    'token_type',
  ]);
  assert.equal(body.integration_type, 'oidc-provider');
  assert.equal(body.token_type, 'Bearer');
  assert.deepEqual(body.granted_scopes.toSorted(), ['calendar.read', 'email', 'openid']);
  assert.deepEqual([body.missing_scopes, body.reconnect_required], [[], false]);
  assert.equal(body.account.id, 'ada');
  assert.ok(Date.parse(body.expires_at) > Date.now());
});

test('the cookie of initiate is one a browser binds to this host alone', async () => {
  const user = await world.user('cookie');
  await started(user, { browser: user.browser });
  const cookies = user.browser.cookies.of(new URL(world.product.base).hostname);
  assert.equal(cookies.length, 1);
  const [{ name, attributes }] = cookies;
  assert.match(name, /^__Host-/);
  assert.deepEqual(
    ['secure', 'httponly'].map((flag) => attributes.has(flag)),
    [true, true],
  );
  assert.match(attributes.get('samesite'), /^(Lax|Strict)$/);
  assert.ok(Number(attributes.get('max-age')) <= 600);
});

test('without the cookie the code is parked until the user finishes with the handle', async () => {
  const user = await world.user('parker');
  const before = exchanges();
  const begun = await started(user);
  const landed = await user.browser.approve(begun.redirect_url);
  assert.equal(landed.url.origin + landed.url.pathname, RETURN_URL);
  const { sessionId, status, handle } = returned(landed);
  assert.deepEqual([sessionId, status], [begun.session_id, 'awaiting_finish']);
  assert.equal(landed.url.searchParams.has('handle'), false, 'no server of the app sees the handle');
  assert.equal(exchanges(), before, 'no code was exchanged yet');
  assert.equal((await world.session(user, sessionId)).body.status, 'awaiting_finish');
  assert.equal((await world.token(user, connector)).status, 404);

  const finished = await world.finish(user, sessionId, handle);
  assert.equal(finished.status, 200, finished.text);
  assert.deepEqual(
    [finished.body.status, finished.body.reason, finished.body.connector_id],
    ['completed', null, connector.id],
  );
  assert.equal((await world.token(user, connector)).body.connection_id, finished.body.connection_id);
  assertProblem(await world.finish(user, sessionId, handle), { status: 409, code: 'conflict' });
  assert.equal(exchanges(), before + 1, 'a second finish exchanges nothing');
});

test('PUB-08 another user who comes with the handle gets nothing, and the session is over', async () => {
  const [alice, mallory] = [await world.user('victim'), await world.user('mallory')];
  const before = exchanges();
  const { sessionId, handle } = returned(await alice.browser.approve((await started(alice)).redirect_url));
  const foreign = { status: 404, code: 'NOT_FOUND', detail: 'No such session.' };
  assertProblem(await world.finish(mallory, sessionId, handle), foreign);
  assertProblem(await world.finish(alice, sessionId, handle), { status: 409, code: 'conflict' });
  const { body } = await world.session(alice, sessionId);
  assert.deepEqual([body.status, body.reason], ['failed', 'session_user_mismatch']);
  assert.equal(exchanges(), before);
  for (const user of [alice, mallory]) assert.equal((await world.token(user, connector)).status, 404);
});

test('a wrong or missing handle finishes nothing, and the right one still does', async () => {
  const user = await world.user('fumbler');
  const before = exchanges();
  const { sessionId, handle } = returned(await user.browser.approve((await started(user)).redirect_url));
  const wrong = { status: 400, code: 'state_mismatch', detail: 'The handle is not the one of this session.' };
  assertProblem(await world.finish(user, sessionId, 'A'.repeat(handle.length)), wrong);
  const missing = { status: 422, code: 'invalid_request', errors: ['/handle'] };
  assertProblem(await world.finish(user, sessionId, undefined), missing);
  assert.equal(exchanges(), before);
  assert.equal((await world.finish(user, sessionId, handle)).status, 200);
});

test('PUB-02 PUB-03 a callback without the state, or with another, exchanges nothing and burns nothing', async () => {
  const user = await world.user('guessed');
  const before = exchanges();
  const begun = await started(user, { browser: user.browser });
  const callback = await redirectOfProvider(user, begun.redirect_url);
  const state = callback.searchParams.get('state');
  const flipped = (state.startsWith('A') ? 'B' : 'A') + state.slice(1);
  for (const wrong of [null, '', flipped, createHash('sha256').update('x').digest('base64url')]) {
    const url = new URL(callback);
    if (wrong === null) url.searchParams.delete('state');
    else url.searchParams.set('state', wrong);
    const page = await user.browser.open(url);
    assert.equal(page.status, 400, String(wrong));
    assert.match(page.headers.get('content-type'), /^text\/html/);
  }
  assert.equal(exchanges(), before);
  assert.equal(returned(await user.browser.open(callback)).status, 'completed');
});

test('PUB-04 a callback happens once', async () => {
  const user = await world.user('replayed');
  const callback = await redirectOfProvider(user, (await started(user, { browser: user.browser })).redirect_url);
  assert.equal(returned(await user.browser.open(callback)).status, 'completed');
  const before = exchanges();
  for (const browser of [user.browser, new Browser()]) {
    const page = await browser.open(callback);
    assert.ok([400, 410].includes(page.status), `${page.status}`);
  }
  assert.equal(exchanges(), before);
  assert.equal((await world.token(user, connector)).status, 200);
});

test('PUB-06 a user who says no comes back with denied and no words of the provider', async () => {
  const user = await world.user('naysayer');
  const begun = await started(user, { browser: user.browser });
  const landed = await user.browser.deny(begun.redirect_url);
  assert.equal(returned(landed).status, 'denied');
  assert.doesNotMatch(landed.url.href, /canary|access_denied/);
  const { body } = await world.session(user, begun.session_id);
  assert.deepEqual([body.status, body.reason], ['failed', 'denied']);
  assert.equal((await world.token(user, connector)).status, 404);
});

test('PUB-07 a stolen authorize URL, approved in another browser, connects nobody', async () => {
  const user = await world.user('robbed');
  const before = exchanges();
  const begun = await started(user, { browser: user.browser });
  const landed = await new Browser().approve(begun.redirect_url, { account: 'mallory' });
  assert.notEqual(returned(landed).status, 'completed');
  assert.equal(exchanges(), before);
  assert.equal((await world.token(user, connector)).status, 404);
});

test('PUB-10 PUB-11 PKCE is S256, fresh each time, and the redirect URI is the connector’s own in both requests', async () => {
  const other = await world.newConnector();
  const user = await world.user('pkce');
  const seen = [];
  for (const one of [connector, other]) {
    await world.connect(user, one);
    const [authorize, token] = [
      world.provider.journal.at('authorize').at(-1),
      world.provider.journal.at('token').at(-1),
    ];
    assert.equal(authorize.code_challenge_method, 'S256');
    assert.match(authorize.code_challenge, /^[\w-]{43}$/);
    assert.equal(authorize.redirect_uri, one.redirect_uri);
    assert.equal(token.redirect_uri, one.redirect_uri);
    seen.push(authorize.code_challenge, authorize.redirect_uri);
  }
  assert.equal(new Set(seen).size, 4);
  assert.equal(connector.redirect_uri, `${world.product.base}/api/external-auth/callback/${connector.id}`);
});

test('PUB-12 PUB-13 a code at another connector’s callback, or from another issuer, goes nowhere', async () => {
  const other = await world.newConnector();
  const user = await world.user('mixed');
  const before = exchanges();
  const callback = await redirectOfProvider(user, (await started(user, { browser: user.browser })).redirect_url);
  const elsewhere = new URL(other.redirect_uri);
  elsewhere.search = callback.search;
  const foreign = new URL(callback);
  foreign.searchParams.set('iss', 'https://evil.example');
  const without = new URL(callback);
  without.searchParams.delete('iss');
  for (const url of [elsewhere, foreign, without]) {
    const page = await user.browser.open(url);
    assert.equal(page.status, 400, url.pathname + [...url.searchParams.keys()]);
  }
  assert.equal(exchanges(), before);
  assert.equal((await world.token(user, connector)).status, 404);
});

test('PUB-14 only a registered return URL is taken', async () => {
  const user = await world.user('alice');
  for (const return_to of [
    'https://evil.example/',
    'https://app.example.evil.example/',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    `${RETURN_URL}x`,
    'http://app.example/done',
  ]) {
    const answer = await world.initiate(user, connector, { json: { return_to } });
    assert.equal(answer.status, 422, return_to);
    assert.equal(answer.body.errors[0].pointer, '/return_to');
  }
});

test('a user who allows less than was asked has the token and is told what is missing', async () => {
  const user = await world.user('frugal');
  await world.connect(user, connector, { scopes: ['openid', 'email'] });
  const { body } = await world.token(user, connector);
  assert.deepEqual(body.missing_scopes, ['calendar.read']);
  const wanting = await world.token(user, connector, '?required_scopes=calendar.read');
  assert.deepEqual([wanting.status, wanting.body.code], [409, 'missing_scopes']);
});

test('disconnecting revokes at the provider and is final at once', async () => {
  const user = await world.user('leaver');
  await world.connect(user, connector);
  const { body } = await world.token(user, connector);
  const answer = await world.disconnect(user, connector);
  assert.deepEqual(
    [answer.status, answer.body],
    [200, { status: 'disconnected', connector_id: connector.id, revocation: 'revoked' }],
  );
  assert.equal((await world.token(user, connector)).status, 404);
  assert.equal(await world.provider.accepts(body.access_token), false, 'the provider has ended the grant');
  assert.equal(world.provider.journal.at('revocation').at(-1).status, 200);
  assert.equal((await world.disconnect(user, connector)).status, 404);
});

test('reconnecting with another account keeps the first one and says so', async () => {
  const user = await world.user('two-accounts');
  await world.connect(user, connector, { account: 'first' });
  const before = await world.token(user, connector);
  const begun = await started(user);
  const { sessionId, handle } = returned(await new Browser().approve(begun.redirect_url, { account: 'second' }));
  assertProblem(await world.finish(user, sessionId, handle), { status: 409, code: 'account_changed' });
  const after = await world.token(user, connector);
  assert.deepEqual([after.body.account.id, after.body.access_token], ['first', before.body.access_token]);
});
