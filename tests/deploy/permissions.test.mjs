// Every function's role against everything that can be asked of every table, queue, bus and key: what the permission table
// grants is allowed, and nothing else is.
import { before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as iam from '@aws-sdk/client-iam';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import * as lambda from '@aws-sdk/client-lambda';
import * as sts from '@aws-sdk/client-sts';
import { credentialsFor, Stack } from './stack.mjs';
import { LIMITED, ofBus, ofDataKey, ofIndex, ofKey, ofQueue, ofTable, surprises, trial } from './trials.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const GRANTS = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/grants');

const FUNCTIONS = [
  'start-authorization',
  'callback',
  'finish-authorization',
  'get-token',
  'call-provider',
  'refresh',
  'disconnect',
  'deliver-events',
  'list-connections',
  'manage-connector',
  'move-grants',
  'mcp',
  'console',
];

/** What a workspace's data key is wrapped for, as the vault says it. */
const CONTEXT = {
  svc: 'connectors',
  env: 'production',
  ws: 'ws_01JD8Z5W3V7N9QK2M4R6T8XYAB',
  gen: '1',
  purpose: 'workspace-data-key',
};

const WRONG_CONTEXTS = {
  none: undefined,
  'another product': { ...CONTEXT, svc: 'payroll' },
  'another deployment': { ...CONTEXT, env: 'staging' },
  'the product in other letters': { ...CONTEXT, svc: 'Connectors' },
  'no product': { ...CONTEXT, svc: undefined },
  'no deployment': { ...CONTEXT, env: undefined },
};

/**
 * What nobody does with the deployment's key, whatever else they may. `ReEncrypt` is missing because the emulator does not
 * know the two permissions that it takes.
 */
const NEVER =
  /^kms:(Encrypt|GenerateDataKey\w+|GenerateMac|VerifyMac|Sign|Verify|DeriveSharedSecret|\w*Grant|ReplicateKey)$/;

let stack;
let grants;
const keys = {};

before(async () => {
  [stack, grants] = await Promise.all([
    Stack.find(),
    promisify(execFile)(GRANTS).then(({ stdout }) => JSON.parse(stdout)),
  ]);
  keys.deployment = stack.outputs.KeyArn;
  keys.workspace = process.env.WORKSPACE_KEY;
  keys.another = (
    await new KMSClient().send(new CreateKeyCommand({ Description: 'of another product' }))
  ).KeyMetadata.Arn;
});

/** Whether the permission table has it. */
const granted = (fn, target) => (action) =>
  grants.some((grant) => grant.function === fn && grant.target === target && grant.actions.includes(action));

const nothing = () => false;

const withoutUndefined = (object) => object && JSON.parse(JSON.stringify(object));

test('the stack has the functions of the table, and no others', () => {
  assert.deepEqual(stack.functions().sort(), FUNCTIONS.toSorted());
  // One that serves files has no grants.
  assert.deepEqual(
    grants.filter((grant) => !FUNCTIONS.includes(grant.function)),
    [],
  );
});

for (const fn of FUNCTIONS) {
  test(`${fn} may do to tables what it needs`, async () => {
    const credentials = await stack.credentialsOf(fn);
    const tables = stack.ofType('AWS::DynamoDB::Table');
    assert.equal(tables.length, 4);
    for (const { id, name } of tables) {
      const trials = ofTable(name, stack.arn('dynamodb', `table/${name}`));
      const target = id.replace(/Table$/, '');
      assert.deepEqual(await surprises(trials, credentials, granted(fn, target)), [], id);
    }
  });

  test(`${fn} writes nothing but what is meant where it may write some items of a table`, async () => {
    const credentials = await stack.credentialsOf(fn);
    for (const [target, { table, meant, beyond }] of Object.entries(LIMITED)) {
      const { name } = stack.resources.get(`${table}Table`);
      const [all, some] = [granted(fn, table), granted(fn, target)];
      assert.deepEqual(await surprises(meant(name), credentials, (action) => all(action) || some(action)), [], target);
      assert.deepEqual(await surprises(beyond(name), credentials, all), [], `beyond ${target}`);
    }
  });

  test(`${fn} may read the indexes it needs`, async () => {
    const credentials = await stack.credentialsOf(fn);
    const { name } = stack.resources.get('ConnectionsTable');
    for (const [index, target] of Object.entries({ due: 'DueIndex', by_connector: 'ByConnectorIndex' }))
      assert.deepEqual(await surprises(ofIndex(name, index), credentials, granted(fn, target)), [], index);
  });

  test(`${fn} may do to queues what it needs, and to dead letters nothing`, async () => {
    const credentials = await stack.credentialsOf(fn);
    const queues = stack.ofType('AWS::SQS::Queue');
    assert.equal(queues.length, 8);
    for (const { id, name } of queues) {
      const trials = ofQueue(name, stack.arn('sqs', name.split('/').at(-1)));
      assert.deepEqual(await surprises(trials, credentials, granted(fn, id)), [], id);
    }
  });

  test(`${fn} may tell the deployment’s bus what it needs, and no other bus anything`, async () => {
    const credentials = await stack.credentialsOf(fn);
    const { name } = stack.resources.get('EventBus');
    const bus = stack.arn('events', `event-bus/${name}`);
    for (const own of [name, bus])
      assert.deepEqual(await surprises(ofBus(own), credentials, granted(fn, 'EventBus')), [], own);
    for (const foreign of ['default', `${bus}-of-others`, bus.replace(stack.account, '999999999999')])
      assert.deepEqual(await surprises(ofBus(foreign), credentials, nothing), [], foreign);
  });

  test(`${fn} may use keys for this product and deployment only`, async () => {
    const credentials = await stack.credentialsOf(fn);
    for (const [whose, key] of Object.entries(keys)) {
      const isGranted = whose === 'another' ? nothing : granted(fn, 'Key');
      assert.deepEqual(await surprises(ofDataKey(key, CONTEXT), credentials, isGranted), [], whose);
      assert.deepEqual(await surprises(ofKey(key), credentials, nothing), [], `${whose}, no context`);
      for (const [flaw, context] of Object.entries(WRONG_CONTEXTS)) {
        const trials = ofDataKey(key, withoutUndefined(context));
        assert.deepEqual(await surprises(trials, credentials, nothing), [], `${whose}, ${flaw}`);
      }
    }
  });
}

/** What a function could want of logs, functions and roles. */
function beyond(fn) {
  const ask = {
    logs: (operation, input) => trial(logs, 'CloudWatchLogsClient', 'logs', operation, input),
    lambda: (operation, input) => trial(lambda, 'LambdaClient', 'lambda', operation, input),
    iam: (operation, input) => trial(iam, 'IAMClient', 'iam', operation, input),
    sts: (operation, input) => trial(sts, 'STSClient', 'sts', operation, input),
    stack: (operation, input) => trial(cloudformation, 'CloudFormationClient', 'cloudformation', operation, input),
  };
  // No log stream has a colon in its name, so none is made.
  const lines = (of) => ({ logGroupName: `/aws/lambda/connectors-${of}`, logStreamName: ':', logEvents: [] });
  const writes = (of) => ['CreateLogStream', 'PutLogEvents'].map((operation) => ask.logs(operation, lines(of)));
  const others = FUNCTIONS.filter((other) => other !== fn);
  const role = { RoleName: stack.resources.get('RefreshRole').name };
  return {
    own: writes(fn),
    foreign: [
      ...others.flatMap(writes),
      ...['FilterLogEvents', 'GetLogEvents', 'DeleteLogGroup'].map((operation) => ask.logs(operation, lines(fn))),
      ...FUNCTIONS.flatMap((other) =>
        ['Invoke', 'GetFunction', 'UpdateFunctionConfiguration', 'AddPermission'].map((operation) =>
          ask.lambda(operation, { FunctionName: `connectors-${other}` }),
        ),
      ),
      ...['PutRolePolicy', 'AttachRolePolicy', 'UpdateAssumeRolePolicy', 'GetRole'].map((operation) =>
        ask.iam(operation, role),
      ),
      ask.iam('CreateAccessKey', {}),
      ...others.map((other) => ask.sts('AssumeRole', { RoleArn: stack.roleOf(other), RoleSessionName: 'attacker' })),
      ...['UpdateStack', 'DeleteStack', 'GetTemplate'].map((operation) =>
        ask.stack(operation, { StackName: 'connectors' }),
      ),
    ],
  };
}

for (const fn of FUNCTIONS)
  test(`${fn} may write to its own log, and neither call, change nor become another`, async () => {
    const credentials = await stack.credentialsOf(fn);
    const { own, foreign } = beyond(fn);
    assert.deepEqual(await surprises(own, credentials, () => true), [], 'its own log');
    assert.deepEqual(await surprises(foreign, credentials, nothing), []);
  });

const statement = (more) => JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...more }] });

/** A new role of the account that may do this, for whoever owns the account. Answers its keys and its ARN. */
async function someone(name, permission) {
  const owner = new iam.IAMClient();
  const Principal = { AWS: `arn:aws:iam::${stack.account}:root` };
  const AssumeRolePolicyDocument = statement({ Principal, Action: 'sts:AssumeRole' });
  const { Role } = await owner.send(new iam.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
  const PolicyDocument = statement(permission);
  await owner.send(new iam.PutRolePolicyCommand({ RoleName: name, PolicyName: name, PolicyDocument }));
  return { arn: Role.Arn, credentials: await credentialsFor(Role.Arn) };
}

test('nobody but the service becomes a function or the schedule, even who may become anybody', async () => {
  const { credentials } = await someone('climber', { Action: 'sts:AssumeRole', Resource: '*' });
  const { arn: open } = await someone('open', { Action: 'dynamodb:ListTables', Resource: '*' });
  const become = (RoleArn) =>
    trial(sts, 'STSClient', 'sts', 'AssumeRole', { RoleArn, RoleSessionName: 'climber' }, RoleArn);
  const roles = stack.ofType('AWS::IAM::Role').map(({ name }) => `arn:aws:iam::${stack.account}:role/${name}`);
  assert.equal(roles.length, FUNCTIONS.length + 1);
  assert.deepEqual(
    await surprises([...roles, open].map(become), credentials, (action) => action === `sts:${open}`),
    [],
  );
});

test('the schedule may call the function that refreshes, and no other', async () => {
  const owner = new iam.IAMClient();
  const PolicySourceArn = `arn:aws:iam::${stack.account}:role/${stack.resources.get('RefreshScheduleRole').name}`;
  const ActionNames = ['lambda:InvokeFunction', 'lambda:UpdateFunctionCode', 'dynamodb:GetItem'];
  const allowed = [];
  for (const fn of FUNCTIONS) {
    const ResourceArns = [stack.arn('lambda', `function:connectors-${fn}`)];
    const asked = new iam.SimulatePrincipalPolicyCommand({ PolicySourceArn, ActionNames, ResourceArns });
    const { EvaluationResults: results } = await owner.send(asked);
    assert.equal(results.length, ActionNames.length);
    for (const { EvalActionName: action, EvalDecision: decision } of results)
      if (decision === 'allowed') allowed.push(`${fn} ${action}`);
  }
  assert.deepEqual(allowed, ['refresh lambda:InvokeFunction']);
});

test('the deployment’s key holds to its policy, even with who may do anything with keys', async () => {
  const { credentials } = await someone('keeper', { Action: 'kms:*', Resource: '*' });

  const { deployment: key, another } = keys;
  const never = (of) => ofKey(of).filter(({ action }) => NEVER.test(action));
  assert.deepEqual(await surprises(never(key), credentials, (action) => action === 'kms:RevokeGrant'), []);
  assert.deepEqual(await surprises(ofDataKey(key, CONTEXT), credentials, () => true), []);
  for (const [flaw, context] of Object.entries(WRONG_CONTEXTS))
    assert.deepEqual(await surprises(ofDataKey(key, withoutUndefined(context)), credentials, nothing), [], flaw);
  assert.deepEqual(await surprises(never(another), credentials, () => true), [], 'a key with the usual policy');
});
