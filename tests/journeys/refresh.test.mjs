// The token service when tokens end: one refresh, whoever asks and however many.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Api } from '../harness/api.mjs';
import { Product } from '../harness/product.mjs';
import { passed } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

/** Seconds that an access token lives which is to end within the test: long enough for a slow machine to read it once. */
const SHORT_LIFE = 3;

/** Seconds of a life whose second half, in which a refresh is wanted but the token still works, can be met. */
const HALVED_LIFE = 8;

let world;
let connector;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
});
after(() => world.close());

const refreshes = () => world.provider.journal.granted('refresh_token');

/** A user whose access token has just ended; the next one will be long-lived. */
async function userWithExpiredToken(name) {
  const user = await world.user(name);
  const old = await world.connectBriefly(user, connector, SHORT_LIFE);
  await passed(old.expires_at);
  return { user, old };
}

/** A user whose access token works for some seconds more, but has lived for half of its life. */
async function userWithAgingToken(name) {
  const user = await world.user(name);
  const old = await world.connectBriefly(user, connector, HALVED_LIFE);
  await passed(new Date(Date.parse(old.expires_at) - (HALVED_LIFE / 2) * 1_000).toISOString());
  return { user, old };
}

test('PUB-31 PUB-32 an ended token is refreshed once and then served as it is', async () => {
  const { user, old } = await userWithExpiredToken('alice');
  const before = refreshes();
  const answers = [];
  for (let count = 0; count < 20; count += 1) answers.push(await world.token(user, connector));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(new Set(answers.map(({ body }) => body.access_token)).size, 1);
  assert.notEqual(answers[0].body.access_token, old.access_token);
  assert.equal(await world.provider.accepts(answers[0].body.access_token), true);
  assert.equal(refreshes(), before + 1);
});

test('PUB-34 each refresh uses the refresh token that the one before brought', async () => {
  const user = await world.user('rotating');
  await world.connect(user, connector);
  const before = refreshes();
  const tokens = new Set();
  for (let cycle = 0; cycle < 4; cycle += 1) {
    const rejected = createHash('sha256')
      .update([...tokens].at(-1) ?? '')
      .digest('hex');
    const answer = await world.token(user, connector, cycle ? `?rejected_token_sha256=${rejected}` : '');
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await world.provider.accepts(answer.body.access_token), true);
    tokens.add(answer.body.access_token);
  }
  assert.deepEqual([tokens.size, refreshes()], [4, before + 3]);
});

test('PUB-33 100 parallel reads through two processes over one table: one refresh, one token', async (context) => {
  const { dynamodb, kms, sqs } = world.product.dev.endpoints;
  const environment = { AWS_ENDPOINT_URL_DYNAMODB: dynamodb, AWS_ENDPOINT_URL_KMS: kms, AWS_ENDPOINT_URL_SQS: sqs };
  const second = await Product.start({ environment });
  try {
    const { user } = await userWithExpiredToken('crowd');
    const before = refreshes();
    world.provider.delayTokenRequests(800);
    const bases = [world.api, new Api(second.base)];
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => world.token(user, connector, '', bases[index % 2])),
    );
    world.provider.delayTokenRequests(0);
    const served = answers.filter(({ status }) => status === 200);
    const others = answers.filter(({ status }) => status !== 200);
    context.diagnostic(`${served.length} served, ${others.length} asked to come back`);
    assert.ok(others.length <= 5, `${others.length} were not served: ${others[0]?.text}`);
    for (const other of others) {
      assert.equal(other.status, 503, other.text);
      assert.ok(Number(other.headers.get('retry-after')) >= 1, 'a 503 says when to come back');
    }
    assert.equal(refreshes(), before + 1);
    assert.equal(new Set(served.map(({ body }) => body.access_token)).size, 1);
    assert.equal(await world.provider.accepts(served[0].body.access_token), true, 'no family was revoked');
  } finally {
    await second.stop();
  }
});

test('min_ttl says how much life the caller wants', async () => {
  const { user, old } = await userWithAgingToken('patient');
  const before = refreshes();
  const content = await world.token(user, connector, '?min_ttl=0');
  assert.deepEqual([content.body.access_token, refreshes()], [old.access_token, before]);
  const wanting = await world.token(user, connector, '?min_ttl=60');
  assert.notEqual(wanting.body.access_token, old.access_token);
  assert.equal(refreshes(), before + 1);
  for (const bad of ['-1', 'x', '99999999']) {
    const answer = await world.token(user, connector, `?min_ttl=${bad}`);
    assert.deepEqual([answer.status, answer.body.code], [422, 'invalid_request'], bad);
  }
});

test('a token that the provider refused is refreshed once, and only if it is still the stored one', async () => {
  const user = await world.user('refused');
  await world.connect(user, connector);
  const first = await world.token(user, connector);
  const before = refreshes();
  const digest = createHash('sha256').update(first.body.access_token).digest('hex');
  const second = await world.token(user, connector, `?rejected_token_sha256=${digest}`);
  assert.equal(second.status, 200, second.text);
  assert.notEqual(second.body.access_token, first.body.access_token);
  const third = await world.token(user, connector, `?rejected_token_sha256=${digest}`);
  assert.equal(third.body.access_token, second.body.access_token);
  assert.equal(refreshes(), before + 1);
});

test('PUB-36 a refused refresh is final, asked once, and healed by connecting again', async () => {
  const user = await world.user('ended');
  const old = await world.connectBriefly(user, connector, SHORT_LIFE);
  await world.provider.endGrantOf(old.access_token);
  await passed(old.expires_at);
  const before = world.provider.journal.tokenRequests();
  for (let count = 0; count < 10; count += 1) {
    const answer = await world.token(user, connector);
    assert.deepEqual([answer.status, answer.body.code], [404, 'reconnect_required'], answer.text);
  }
  assert.equal(world.provider.journal.tokenRequests(), before + 1);
  const { body } = await world.state(user, connector);
  assert.deepEqual([body.status, body.reconnect_required], ['reconnect_required', true]);
  await world.connect(user, connector);
  const healed = await world.token(user, connector);
  assert.deepEqual([healed.status, healed.body.connection_id], [200, old.connection_id]);
});

test('PUB-37 a provider in trouble ends no connection', async () => {
  const { user } = await userWithExpiredToken('troubled');
  world.provider.failTokenRequests(500);
  const answer = await world.token(user, connector);
  assert.deepEqual([answer.status, answer.body.code], [503, 'refresh_unavailable'], answer.text);
  assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  assert.doesNotMatch(answer.text, /canary/);
  assert.notEqual((await world.state(user, connector)).body.status, 'reconnect_required');
  world.provider.failTokenRequests(null);
  await passed(new Date(Date.now() + Number(answer.headers.get('retry-after')) * 1_000).toISOString());
  assert.equal((await world.token(user, connector)).status, 200);
});

test('PUB-40 while the provider is down a token that still works is served with its true end', async () => {
  const { user, old } = await userWithAgingToken('steadfast');
  world.provider.failTokenRequests(500);
  const before = world.provider.journal.tokenRequests();
  const answer = await world.token(user, connector);
  world.provider.failTokenRequests(null);
  assert.equal(world.provider.journal.tokenRequests(), before + 1, 'a refresh was tried');
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual([answer.body.access_token, answer.body.expires_at], [old.access_token, old.expires_at]);
});
