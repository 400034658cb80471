// What a token costs, counted where the AWS clients knock.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Api } from '../harness/api.mjs';
import { AwsProxy } from '../harness/aws-proxy.mjs';
import { Product } from '../harness/product.mjs';
import { passed } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

const WARM_READS = 20;
const MOST_WRITES_OF_A_REFRESH = 3;

let world;
let proxy;
let counted;
let api;
let connector;

before(async () => {
  world = await World.open();
  proxy = await AwsProxy.start(world.product.dev.endpoints.dynamodb);
  counted = await Product.start({ environment: proxy.environment() });
  api = new Api(counted.base);
  connector = await world.newConnector();
});
after(async () => {
  await counted.stop();
  await proxy.close();
  await world.close();
});

const names = (calls) => calls.map(({ service, operation }) => `${service}.${operation}`);

test('a warm token read is one BatchGetItem: no key service, no write', async () => {
  const user = await world.user('alice');
  await world.connect(user, connector);
  const first = await world.token(user, connector, '', api);
  assert.equal(first.status, 200, first.text);
  for (let read = 0; read < WARM_READS; read += 1) {
    const { result, calls } = await proxy.during(() => world.token(user, connector, '', api));
    assert.equal(result.status, 200, result.text);
    assert.deepEqual(names(calls), ['DynamoDB.BatchGetItem'], `read ${read}`);
  }
});

test('the day of last use is written at most once a day', async () => {
  const user = await world.user('daily');
  await world.connect(user, connector);
  const { calls } = await proxy.during(async () => {
    for (let read = 0; read < WARM_READS; read += 1) await world.token(user, connector, '', api);
  });
  assert.ok(calls.filter((call) => call.isWrite).length <= 1, names(calls).join(' '));
});

test('one refresh writes to DynamoDB three times at most', async (context) => {
  const user = await world.user('refreshed');
  const old = await world.connectBriefly(user, connector, 3);
  await passed(old.expires_at);
  const before = world.provider.journal.granted('refresh_token');
  const { result, calls } = await proxy.during(() => world.token(user, connector, '', api));
  assert.equal(result.status, 200, result.text);
  assert.equal(world.provider.journal.granted('refresh_token'), before + 1);
  const writes = calls.filter((call) => call.isWrite);
  context.diagnostic(`a refresh calls ${names(calls).join(', ')}`);
  assert.ok(writes.length >= 1 && writes.length <= MOST_WRITES_OF_A_REFRESH, names(calls).join(' '));
});
