// The product as a developer runs it: the local process, its configuration file and everything it prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { until } from './until.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const BINARY = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/local');

/** A first start makes tables, keys and the demo; on a machine that compiles beside it, that takes its time. */
const START_SECONDS = 60;
const STOP_MS = 10_000;
/** One running local process. `dev` is its `dev.json`, `log` everything it has printed so far. */
export class Product {
  log = '';

  /**
   * Starts a process on any free port and waits until it answers.
   *
   * `environment` is added to the child's; with `AWS_ENDPOINT_URL_*` in it two processes share one set of tables.
   * `dataDir` is made fresh, and removed at the end, unless given.
   */
  static async start({ environment = {}, dataDir } = {}) {
    const product = new Product();
    product.ownsData = dataDir === undefined;
    product.dataDir = dataDir ?? (await mkdtemp(join(tmpdir(), 'connectors-')));
    const env = {
      PATH: process.env.PATH,
      HOME: product.dataDir,
      PORT: '0',
      AWS_PORT: '0',
      DATA_DIR: product.dataDir,
      ...environment,
    };
    product.child = spawn(BINARY, { env, cwd: product.dataDir, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [product.child.stdout, product.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        product.log += text;
      });
    }
    product.child.on('error', (cause) => {
      product.failure = cause;
    });
    product.startedAt = Date.now();
    product.dev = await product.#configuration();
    product.base = product.dev.base_url;
    await product.#answers();
    return product;
  }

  /** Ends the process as Ctrl-C does, and removes its data. */
  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
      await gone;
      clearTimeout(timer);
    }
    if (this.ownsData) await rm(this.dataDir, { recursive: true, force: true });
  }

  async #configuration() {
    return until(START_SECONDS, 'dev.json', async () => {
      this.#mustRun();
      try {
        const dev = JSON.parse(await readFile(join(this.dataDir, 'dev.json'), 'utf8'));
        return this.#isOfThisRun(dev) ? dev : undefined;
      } catch {
        return undefined;
      }
    });
  }

  /** A folder used before holds the last run's file until this run has written its own. */
  #isOfThisRun(dev) {
    return this.ownsData || this.log.includes(new URL(dev.base_url).port);
  }

  async #answers() {
    await until(START_SECONDS, `an answer from ${this.base}`, async () => {
      this.#mustRun();
      try {
        return (await fetch(`${this.base}/api/providers`)).status;
      } catch {
        return undefined;
      }
    });
  }

  #mustRun() {
    if (this.failure) throw new Error(`cannot start ${BINARY}: ${this.failure.message} (build it first: cargo build)`);
    if (this.child.exitCode !== null)
      throw new Error(`the local process ended with ${this.child.exitCode}:\n${this.log}`);
  }
}
