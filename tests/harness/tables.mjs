// What really lies in the tables: the privilege of a test, no function of the product may scan.
import { DynamoDBClient, ListTablesCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';

/** The tables behind one DynamoDB endpoint. */
export class Tables {
  constructor(endpoint) {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    this.client = new DynamoDBClient({ endpoint, region: 'eu-west-1', credentials });
  }

  /** Every item of every table, as `{table, item}` in DynamoDB's own JSON. */
  async everything() {
    const { TableNames } = await this.client.send(new ListTablesCommand({}));
    const all = [];
    for (const table of TableNames) for (const item of await this.#scan(table)) all.push({ table, item });
    return all;
  }

  /** Replaces one item whole. */
  async put(table, item) {
    await this.client.send(new PutItemCommand({ TableName: table, Item: item }));
  }

  close() {
    this.client.destroy();
  }

  async #scan(table) {
    const items = [];
    let start;
    do {
      const page = await this.client.send(new ScanCommand({ TableName: table, ExclusiveStartKey: start }));
      items.push(...page.Items);
      start = page.LastEvaluatedKey;
    } while (start);
    return items;
  }
}
