// A counting proxy in front of the AWS endpoint: what one request of a user costs is what passes here.
import { createServer, request as send } from 'node:http';
import { once } from 'node:events';

const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems', 'BatchWriteItem']);

/** A call of the schedule, which runs beside whatever a test does. */
const isOfTheSchedule = (call) => call.service === 'SQS' || call.index === 'due';

const SERVICES = { DynamoDB_20120810: 'DynamoDB', TrentService: 'KMS', AmazonSQS: 'SQS' };

function describe(target, body) {
  const [prefix, operation] = String(target).split('.');
  const service = SERVICES[prefix] ?? prefix;
  let parsed = {};
  try {
    parsed = JSON.parse(body);
  } catch {
    // A body that isn't JSON is the endpoint's to refuse.
  }
  return {
    service,
    operation,
    index: parsed.IndexName ?? null,
    isWrite: service === 'DynamoDB' && WRITES.has(operation),
  };
}

/** The proxy; `url` is what `AWS_ENDPOINT_URL_*` should say. */
export class AwsProxy {
  calls = [];

  static async start(upstream) {
    const proxy = new AwsProxy();
    proxy.upstream = new URL(upstream);
    proxy.http = createServer((request, response) => proxy.#forward(request, response));
    proxy.http.listen(0, '127.0.0.1');
    await once(proxy.http, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.http.address().port}`;
    return proxy;
  }

  /** The environment of a process that reaches AWS through this proxy. */
  environment() {
    return { AWS_ENDPOINT_URL_DYNAMODB: this.url, AWS_ENDPOINT_URL_KMS: this.url, AWS_ENDPOINT_URL_SQS: this.url };
  }

  /** Runs `work` and returns its result with the calls made meanwhile, the schedule's left out. */
  async during(work) {
    const from = this.calls.length;
    const result = await work();
    return { result, calls: this.calls.slice(from).filter((call) => !isOfTheSchedule(call)) };
  }

  async close() {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }

  async #forward(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    this.calls.push(describe(request.headers['x-amz-target'], body.toString('utf8')));
    const headers = { ...request.headers, host: this.upstream.host };
    const forwarded = send(this.upstream, { method: request.method, path: request.url, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => response.destroy());
    forwarded.end(body);
  }
}
