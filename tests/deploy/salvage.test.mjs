// A function loses the right to store what the provider gave it, just then: the tokens come by another function's queue.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { passed, until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';
import { DeployedProduct } from './product.mjs';

const SALVAGE_SECONDS = 90;

/** A message of the refresh queue asks for it. */
const EXAMINED_SECONDS = 60;

let product;
let world;
const client = new DynamoDBClient();

before(async () => {
  product = await DeployedProduct.find();
  world = await World.open({ product });
});
after(() => world?.close());

const table = () => product.stack.resources.get('ConnectionsTable').name;

/** Lets nobody but who asks for it refresh the one connection of this world: the schedule does not find it any more. */
async function hideFromSchedule() {
  const FilterExpression = 'attribute_exists(due_at) AND workspace_id = :ws AND attribute_exists(expires_at)';
  const ExpressionAttributeValues = { ':ws': { S: product.dev.workspace_id } };
  const { Items: rows } = await client.send(
    new ScanCommand({ TableName: table(), FilterExpression, ExpressionAttributeValues }),
  );
  assert.equal(rows.length, 1);
  const Key = { pk: rows[0].pk, sk: rows[0].sk };
  await client.send(new UpdateItemCommand({ TableName: table(), Key, UpdateExpression: 'REMOVE due_at, due_shard' }));
}

/** Waits until a new connector was examined, which asks the provider for a token, too. */
const untilExamined = ({ id }) =>
  until(EXAMINED_SECONDS, 'what the doctor found', async () => {
    const { body } = await world.admin('GET', `/connectors/${id}`);
    return body.doctor?.checked_at ? true : undefined;
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
  await untilExamined(connector);
  const user = await world.user('salvaged');
  const old = await world.connectBriefly(user, connector, 3);
  await hideFromSchedule();
  await passed(old.expires_at);
  const before = world.provider.journal.tokenRequests();
  const held = world.provider.holdTokenRequest();
  const reading = world.token(user, connector);
  await held.came;
  const saved = await withoutWriting(async () => {
    held.release();
    await reading;
    return until(SALVAGE_SECONDS, 'the salvaged token', async () => {
      const { status, body } = await world.token(user, connector, '?min_ttl=0');
      return status === 200 && body.access_token !== old.access_token ? body : undefined;
    });
  });
  assert.equal(await world.provider.accepts(saved.access_token), true);
  assert.equal(world.provider.journal.tokenRequests(), before + 1, 'the provider was asked once');
});
