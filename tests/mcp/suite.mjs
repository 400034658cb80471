// The official conformance suite, run against an address; and the example that has everything the suite asks for.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '../..');
const MODULES = resolve(ROOT, 'tests/node_modules');
const EXAMPLE = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/examples/everything');

/** The suite needs a newer Node than the other tests. */
const NODE = join(MODULES, 'node/bin/node');

/** The released suite, and the one to come, which knows the newest protocol. */
export const SUITES = { released: 'conformance', next: 'conformance-next' };

/** Runs a whole suite; answers how many checks of each scenario passed and failed. */
export async function run(suite, url, version) {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const file = join(MODULES, '@modelcontextprotocol', suite, 'dist/index.js');
  const args = [file, 'server', '--url', url, '--suite', 'all', ...(version ? ['--spec-version', version] : [])];
  const said = await new Promise((done) => {
    execFile(NODE, args, { cwd: folder, timeout: 240_000, maxBuffer: 1e8 }, (_, stdout, stderr) =>
      done(`${stdout}${stderr}`),
    );
  });
  await rm(folder, { recursive: true, force: true });
  const lines = said.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm);
  return new Map([...lines].map(([, name, passed, failed]) => [name, { passed: +passed, failed: +failed }]));
}

/** The names of those scenarios, in order. */
export const those = (found, wanted) =>
  [...found].flatMap(([name, checks]) => (wanted(checks) ? [name] : [])).toSorted();

/** The example, with the tables and keys of a running product; `base` is where it answers. */
export async function startEverything(product) {
  const file = await readFile(join(product.dataDir, 'lambda.env'), 'utf8');
  const lines = file.split('\n').filter((line) => line.includes('='));
  const environment = Object.fromEntries(lines.map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
  const env = { PATH: process.env.PATH, ...environment };
  const child = spawn(EXAMPLE, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = once(child, 'error').then(([cause]) => {
    throw new Error(`cannot start ${EXAMPLE}: ${cause.message} (build it first: cargo build --examples)`);
  });
  const base = await Promise.race([once(createInterface(child.stdout), 'line').then(([line]) => line), failed]);
  const stop = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
  return { base, stop };
}
