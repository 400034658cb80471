// What happened reaches whoever made a rule for the deployment's bus. Webhooks are tried by the receiver of `../sdk`.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { found } from '../harness/canaries.mjs';
import { until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';
import { DeployedProduct } from './product.mjs';

const TOLD_SECONDS = 60;

const TYPES = ['connector.created', 'connection.created', 'connection.disconnected'];

let product;
let world;
const queues = new SQSClient({ useQueueUrlAsEndpoint: false });

before(async () => {
  product = await DeployedProduct.find();
  world = await World.open({ product });
});
after(() => world?.close());

/** A queue that a rule fills with this workspace's events. Answers its address. */
async function listening() {
  const QueueName = 'listener';
  const { QueueUrl } = await queues.send(new CreateQueueCommand({ QueueName }));
  const rule = { EventBusName: product.stack.outputs.EventBusName, Name: 'tell-listener' };
  const EventPattern = JSON.stringify({
    source: ['connectors'],
    detail: { workspace: [product.dev.workspace_id] },
  });
  const bus = new EventBridgeClient();
  await bus.send(new PutRuleCommand({ ...rule, EventPattern }));
  const Targets = [{ Id: 'listener', Arn: product.stack.arn('sqs', QueueName) }];
  await bus.send(new PutTargetsCommand({ ...rule, Rule: rule.Name, Targets }));
  return QueueUrl;
}

test('a connection’s life is told on the bus, without a secret', async () => {
  const QueueUrl = await listening();
  const connector = await world.newConnector();
  const user = await world.user('told');
  await world.connect(user, connector);
  await world.disconnect(user, connector);

  const told = new Map();
  await until(TOLD_SECONDS, 'the events on the bus', async () => {
    const wanted = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
    const { Messages: messages = [] } = await queues.send(wanted);
    for (const { Body } of messages) told.set(JSON.parse(Body)['detail-type'], JSON.parse(Body));
    return TYPES.every((type) => told.has(type)) || undefined;
  });
  for (const type of TYPES) {
    const { source, detail } = told.get(type);
    assert.deepEqual([source, detail.type, detail.connector_id], ['connectors', type, connector.id]);
  }
  assert.deepEqual(found(world.provider.journal.secrets, JSON.stringify([...told.values()])), []);
});
