// A function loses the right to store what the provider gave it, just then: the tokens come by another function's queue.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { passed, until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';
import { DeployedProduct } from './product.mjs';

/** How long the provider thinks, so that the right can be taken away while it does. */
const THINKS_MS = 4_000;

const SALVAGE_SECONDS = 90;

let product;
let world;
const client = new DynamoDBClient();

before(async () => {
  product = await DeployedProduct.find();
  world = await World.open({ product });
});
after(() => world?.close());

const table = () => product.stack.resources.get('ConnectionsTable').name;

/** Waits until somebody refreshes a connection of this world. */
const untilLeased = () =>
  until(THINKS_MS / 1_000, 'a lease', async () => {
    const FilterExpression = 'attribute_exists(leased_until) AND workspace_id = :ws';
    const ExpressionAttributeValues = { ':ws': { S: product.dev.workspace_id } };
    const wanted = new ScanCommand({ TableName: table(), FilterExpression, ExpressionAttributeValues });
    return (await client.send(wanted)).Count > 0 ? true : undefined;
  });

/** Runs `work` while `get-token` may not write connections. */
async function withoutWriting(work) {
  const owner = new IAMClient();
  const policy = { RoleName: product.stack.resources.get('GetTokenRole').name, PolicyName: 'no-writing' };
  const Resource = product.stack.arn('dynamodb', `table/${table()}`);
  const Statement = [{ Effect: 'Deny', Action: ['dynamodb:UpdateItem', 'dynamodb:PutItem'], Resource }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await owner.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
  try {
    return await work();
  } finally {
    await owner.send(new DeleteRolePolicyCommand(policy));
  }
}

test('tokens that a function may not store come by the salvage queue', async () => {
  const connector = await world.newConnector();
  const user = await world.user('salvaged');
  const old = await world.connectBriefly(user, connector, 3);
  await passed(old.expires_at);
  const before = world.provider.journal.tokenRequests();
  world.provider.delayTokenRequests(THINKS_MS);
  const reading = world.token(user, connector);
  await untilLeased();
  const saved = await withoutWriting(async () => {
    await reading;
    return until(SALVAGE_SECONDS, 'the salvaged token', async () => {
      const { status, body } = await world.token(user, connector, '?min_ttl=0');
      return status === 200 && body.access_token !== old.access_token ? body : undefined;
    });
  });
  assert.equal(await world.provider.accepts(saved.access_token), true);
  assert.equal(world.provider.journal.tokenRequests(), before + 1, 'the provider was asked once');
});
