// The product as a developer runs it: the local process, its configuration file and everything it prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from './until.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
const BINARY = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/local');

/** A first start makes tables, keys and the demo; on a machine that compiles beside it, that takes its time. */
const START_SECONDS = 60;
const STOP_MS = 10_000;

/** How often the schedule fires, and how long what it begins takes at most, where there is little to refresh. */
const SCHEDULE_MS = 60_000;
const SCHEDULED_WORK_MS = 2_000;

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
    product.startedAt = Date.now();
    product.child = spawn(BINARY, { env, cwd: product.dataDir, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [product.child.stdout, product.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        product.log += text;
      });
    }
    product.child.on('error', (cause) => {
      product.failure = cause;
    });
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

  /**
   * Returns when the schedule will not fire for so many seconds: what has ended, or will soon, it would refresh before
   * anybody asks.
   */
  async restsFor(seconds) {
    const left = SCHEDULE_MS - ((Date.now() - this.readyAt) % SCHEDULE_MS);
    if (left < seconds * 1_000 + SCHEDULED_WORK_MS) await pause(left + SCHEDULED_WORK_MS);
  }

  /** The schedule fires as soon as this file is written, and every minute from then on. */
  async #configuration() {
    const file = join(this.dataDir, 'dev.json');
    return until(START_SECONDS, 'dev.json', async () => {
      this.#mustRun();
      try {
        // A folder used before holds the last run's file until this run has written its own.
        const { mtimeMs } = await stat(file);
        if (mtimeMs < this.startedAt) return undefined;
        this.readyAt = mtimeMs;
        return JSON.parse(await readFile(file, 'utf8'));
      } catch {
        return undefined;
      }
    });
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
