// The deployed stack in the place of the local process: a workspace of its own, founded by the bootstrap event, and the
// API's address of the internet answered by the emulator.
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { served } from '../harness/browser.mjs';
import { Stack } from './stack.mjs';

const BOOTSTRAP = resolve(import.meta.dirname, '../../events/manage-connector.bootstrap.json');

/** From now on requests to the API's public address go to the emulator, which has every API under a path of its own. */
function answerAt(base) {
  const api = new URL(base);
  const root = `${process.env.AWS_ENDPOINT_URL}/_aws/execute-api/${api.hostname.split('.')[0]}/$default`;
  const direct = globalThis.fetch;
  globalThis.fetch = (address, init) => {
    const url = new URL(address);
    return direct(url.origin === api.origin ? `${root}${url.pathname}${url.search}` : url, init);
  };
  served.add(api.hostname);
}

/** What a `World` opens on instead of a local process. */
export class DeployedProduct {
  log = '';

  static async find() {
    const product = new DeployedProduct();
    product.stack = await Stack.find();
    product.base = product.stack.outputs.PublicBaseUrl;
    answerAt(product.base);
    product.dev = await product.stack.invoke('manage-connector', JSON.parse(await readFile(BOOTSTRAP, 'utf8')));
    return product;
  }

  /** The status of a request that came by another name. */
  statusUnder(host, path, token, body) {
    const url = new URL(process.env.AWS_ENDPOINT_URL);
    const headers = {
      host,
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    };
    const api = new URL(this.base).hostname.split('.')[0];
    const options = { host: url.hostname, port: url.port, path: `/_aws/execute-api/${api}/$default${path}`, headers };
    return new Promise((done, fail) => {
      const sent = request({ ...options, method: 'POST' }, (answer) => done(answer.resume().statusCode));
      sent.on('error', fail).end(JSON.stringify(body));
    });
  }

  /** Its schedule tells nobody when it fires: what depends on that has to put up with it. */
  async restsFor() {}

  /** It was there before, and others use it. */
  async stop() {}
}
