// The last of it: the stack is deleted, and what is the users' stays.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { CloudFormationClient, DeleteStackCommand, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { until } from '../harness/until.mjs';
import { Stack } from './stack.mjs';

const DELETION_SECONDS = 60;

test('a deleted stack leaves tables, what is in them, and the key that opens it', async () => {
  const stack = await Stack.find();
  const client = new CloudFormationClient();
  await client.send(new DeleteStackCommand({ StackName: 'connectors' }));
  await until(DELETION_SECONDS, 'the end of the stack', async () => {
    try {
      const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'connectors' }));
      return Stacks[0].StackStatus === 'DELETE_COMPLETE' ? true : undefined;
    } catch {
      return true;
    }
  });
  const tables = new DynamoDBClient();
  for (const { name: TableName } of stack.ofType('AWS::DynamoDB::Table')) {
    const { Table } = await tables.send(new DescribeTableCommand({ TableName }));
    assert.equal(Table.TableStatus, 'ACTIVE', TableName);
    assert.ok((await tables.send(new ScanCommand({ TableName, Limit: 1 }))).Count > 0, TableName);
  }
  const { KeyMetadata } = await new KMSClient().send(new DescribeKeyCommand({ KeyId: stack.outputs.KeyArn }));
  assert.equal(KeyMetadata.KeyState, 'Enabled');
  await assert.rejects(stack.invoke('get-token', {}), { name: 'ResourceNotFoundException' });
});
