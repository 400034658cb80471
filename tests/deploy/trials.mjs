// Everything that can be asked of a table, a queue, a bus or a key, asked in a way that changes nothing even where it is
// allowed: an emulator refuses who may not ask before it looks at what is missing from the request.
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as kms from '@aws-sdk/client-kms';
import * as sqs from '@aws-sdk/client-sqs';

const operations = (sdk) =>
  Object.keys(sdk)
    .filter((name) => /^[A-Z]\w+Command$/.test(name))
    .map((name) => name.replace(/Command$/, ''));

/** What IAM calls these requests, where it is not their own name. */
const ACTIONS = {
  ExecuteStatement: 'PartiQLSelect',
  ExecuteTransaction: 'PartiQLSelect',
  BatchExecuteStatement: 'PartiQLSelect',
  SendMessageBatch: 'SendMessage',
  DeleteMessageBatch: 'DeleteMessage',
  ChangeMessageVisibilityBatch: 'ChangeMessageVisibility',
};

/** Each kind of item of a transaction, which IAM weighs one by one. */
const TRANSACTION_ITEMS = {
  Put: ['TransactWriteItems', 'PutItem'],
  Update: ['TransactWriteItems', 'UpdateItem'],
  Delete: ['TransactWriteItems', 'DeleteItem'],
  ConditionCheck: ['TransactWriteItems', 'ConditionCheckItem'],
  Get: ['TransactGetItems', 'GetItem'],
};

/**
 * One request that may be refused: `action` is what IAM weighs, `ask(credentials)` resolves to whether it was allowed.
 * `client` is the name of the client in its `sdk`.
 */
export function trial(sdk, client, service, operation, input, action = ACTIONS[operation] ?? operation) {
  const ask = async (credentials) => {
    const caller = new sdk[client]({ credentials, maxAttempts: 1 });
    try {
      await caller.send(new sdk[`${operation}Command`](input));
      return true;
    } catch (refusal) {
      if (refusal.$metadata?.httpStatusCode === undefined) throw refusal;
      return !/AccessDenied/.test(refusal.name);
    } finally {
      caller.destroy();
    }
  };
  return { action: `${service}:${action}`, what: operation, ask };
}

/** Every operation of DynamoDB on a table. */
export function ofTable(name, arn) {
  const onTable = {
    TableName: name,
    SourceTableName: name,
    TargetTableName: name,
    GlobalTableName: name,
    TableArn: arn,
    ResourceArn: arn,
    SourceTableArn: arn,
    BackupArn: `${arn}/backup/01489602797149-73d8d5bc`,
    ExportArn: `${arn}/export/01489602797149-73d8d5bc`,
    ImportArn: `${arn}/import/01489602797149-73d8d5bc`,
  };
  const special = {
    BatchGetItem: { RequestItems: { [name]: { Keys: [] } } },
    BatchWriteItem: { RequestItems: { [name]: [] } },
    ExecuteStatement: { Statement: `SELECT * FROM "${name}"` },
    ExecuteTransaction: { TransactStatements: [{ Statement: `SELECT * FROM "${name}"` }] },
    BatchExecuteStatement: { Statements: [{ Statement: `SELECT * FROM "${name}"` }] },
  };
  const ask = (operation, input, action) => trial(dynamodb, 'DynamoDBClient', 'dynamodb', operation, input, action);
  const transactions = Object.entries(TRANSACTION_ITEMS).map(([kind, [operation, action]]) =>
    ask(operation, { TransactItems: [{ [kind]: { TableName: name } }] }, action),
  );
  const others = operations(dynamodb).filter((operation) => !operation.startsWith('Transact'));
  return [...others.map((operation) => ask(operation, special[operation] ?? onTable)), ...transactions];
}

/** A write of an item that is not there, and stays so. */
function write(operation, TableName, pk, more) {
  const place = { pk: { S: pk }, sk: { S: 'META' } };
  const item = operation === 'PutItem' ? { Item: place } : { Key: place };
  const input = { TableName, ...item, ConditionExpression: 'attribute_exists(pk)', ...more };
  return trial(dynamodb, 'DynamoDBClient', 'dynamodb', operation, input);
}

const update = (table, pk, UpdateExpression, more) =>
  write('UpdateItem', table, pk, {
    UpdateExpression,
    ExpressionAttributeValues: { ':new': { S: '2026-11-22' } },
    ...more,
  });

/** Every write of an item with this partition key. */
const writes = (table, pk) => [
  write('PutItem', table, pk),
  update(table, pk, 'SET due_at = :new'),
  write('DeleteItem', table, pk),
];

/**
 * Permissions for some of a table's items, by their names in the permission table: the `table`, what they are `meant` for,
 * and what else could be written with them (`beyond`).
 */
export const LIMITED = {
  KeyUse: {
    table: 'Registry',
    meant: (table) => [update(table, 'APIKEY#nobody', 'SET last_used_on = :new')],
    beyond: (table) => [
      update(table, 'APIKEY#nobody', 'SET revoked_at = :new'),
      update(table, 'APIKEY#nobody', 'SET last_used_on = :new REMOVE revoked_at'),
      update(table, 'APIKEY#nobody', 'SET last_used_on = :new, #other = :new', {
        ExpressionAttributeNames: { '#other': 'digest' },
      }),
      update(table, 'WS#nobody', 'SET last_used_on = :new'),
      update(table, 'xAPIKEY#nobody', 'SET last_used_on = :new'),
    ],
  },
  Deliveries: {
    table: 'Registry',
    meant: (table) => [
      update(table, 'WS#nobody', 'SET tried_at = :new, tried_status = :new REMOVE failing_since, rests_until'),
      update(
        table,
        'WS#nobody',
        'SET tried_at = :new, failing_since = if_not_exists(failing_since, :new), rests_until = :new',
      ),
      update(table, 'WS#nobody', 'SET webhook_state = :new'),
    ],
    beyond: (table) => [
      update(table, 'WS#nobody', 'SET webhook_url = :new'),
      update(table, 'WS#nobody', 'SET webhook_state = :new REMOVE webhook_secret'),
      update(table, 'WS#nobody', 'SET webhook_state = :new, #other = :new', {
        ExpressionAttributeNames: { '#other': 'wrapped_key' },
      }),
      update(table, 'APIKEY#nobody', 'SET webhook_state = :new'),
      update(table, 'xWS#nobody', 'SET webhook_state = :new'),
      write('PutItem', table, 'WS#nobody'),
      write('DeleteItem', table, 'WS#nobody'),
    ],
  },
  Proposals: {
    table: 'Registry',
    meant: (table) => ['PutItem', 'DeleteItem'].map((operation) => write(operation, table, 'PROPOSALS#nobody')),
    beyond: (table) => [
      update(table, 'PROPOSALS#nobody', 'SET decision = :new'),
      ...['WS#nobody', 'APIKEY#nobody', 'xPROPOSALS#nobody'].flatMap((pk) => writes(table, pk)),
    ],
  },
  Outbox: {
    table: 'Connections',
    meant: (table) => ['EVENT#nobody', 'WEBHOOK#nobody'].flatMap((pk) => writes(table, pk)),
    beyond: (table) =>
      ['USER#nobody', 'SHARED#nobody', 'SWEEP#nobody', 'xEVENT#nobody'].flatMap((pk) => writes(table, pk)),
  },
};

/** What can be asked of a table's index. */
export function ofIndex(table, index) {
  const reads = ['Query', 'Scan'];
  const input = { TableName: table, IndexName: index };
  return reads.map((operation) => trial(dynamodb, 'DynamoDBClient', 'dynamodb', operation, input));
}

/** A client of SQS that asks the endpoint, whatever host a queue's URL names. */
const addressed = class extends sqs.SQSClient {
  constructor(options) {
    super({ ...options, useQueueUrlAsEndpoint: false });
  }
};

/** Every operation of SQS on a queue. */
export function ofQueue(url, arn) {
  const QueueName = url.split('/').at(-1);
  // Eleven messages at once are one too many: nobody else's message is taken.
  const input = { QueueUrl: url, QueueName, MaxNumberOfMessages: 11, SourceArn: arn, Entries: [] };
  return operations(sqs).map((operation) => trial({ ...sqs, Client: addressed }, 'Client', 'sqs', operation, input));
}

/** Every operation of EventBridge on a bus, by its name or ARN. */
export function ofBus(bus) {
  const Name = bus.split('/').at(-1);
  // Eleven events at once are one too many: nobody is told of any.
  const event = { EventBusName: bus, Source: 'trial', DetailType: 'trial', Detail: '{}' };
  const input = { Name, EventBusName: bus, Rule: 'trial', Entries: Array(11).fill(event) };
  return operations(eventbridge).map((operation) =>
    trial(eventbridge, 'EventBridgeClient', 'events', operation, input),
  );
}

/** Every operation of KMS on a key, without an encryption context. */
export function ofKey(arn) {
  const input = { KeyId: arn, TargetKeyId: arn, SourceKeyId: arn, DestinationKeyId: arn, ...inContext(undefined) };
  return operations(kms).map((operation) => trial(kms, 'KMSClient', 'kms', operation, input));
}

/** The two operations on data keys, in an encryption context. */
export function ofDataKey(arn, context) {
  const input = { KeyId: arn, KeySpec: 'AES_256', ...inContext(context) };
  return ['GenerateDataKey', 'Decrypt'].map((operation) => trial(kms, 'KMSClient', 'kms', operation, input));
}

const inContext = (EncryptionContext) => ({
  CiphertextBlob: Buffer.from('not a wrapped key'),
  Plaintext: Buffer.from('plain'),
  EncryptionContext,
});

/** Asks all of it with these credentials: the actions that were allowed although they should not be, and the reverse. */
export async function surprises(trials, credentials, isGranted) {
  const found = [];
  for (const { action, what, ask } of trials) {
    const allowed = await ask(credentials);
    if (allowed !== isGranted(action)) found.push(`${what} (${action}) was ${allowed ? 'allowed' : 'denied'}`);
  }
  return found;
}
