// The deployed stack in the place of the local process: a workspace of its own, founded by the bootstrap event, and the
// API's address of the internet answered by the emulator.
import { readFile } from 'node:fs/promises';
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

  /** It was there before, and others use it. */
  async stop() {}
}
