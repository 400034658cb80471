// The official conformance suite against the endpoint of a builder's assistant.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ADMIN, open, showing } from './assistants.mjs';

const MODULES = resolve(import.meta.dirname, '../node_modules');
/** The suite needs a newer Node than the other tests. */
const NODE = join(MODULES, 'node/bin/node');
const SUITE = join(MODULES, '@modelcontextprotocol/conformance/dist/index.js');

const APPLIES = ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection'];

/** Only the suite's own example server can pass these, by its tools `test_…`, its resources and its prompts. */
const OF_THE_EXAMPLE = {
  'they call the example’s own tools': [
    'tools-call-simple-text',
    'tools-call-image',
    'tools-call-audio',
    'tools-call-embedded-resource',
    'tools-call-mixed-content',
    'tools-call-with-logging',
    'tools-call-error',
    'tools-call-with-progress',
    'tools-call-sampling',
    'tools-call-elicitation',
    'elicitation-sep1034-defaults',
    'elicitation-sep1330-enums',
    'json-schema-2020-12',
  ],
  'there are no resources': [
    'resources-list',
    'resources-read-text',
    'resources-read-binary',
    'resources-templates-read',
    'resources-subscribe',
    'resources-unsubscribe',
  ],
  'there are no prompts, and nothing to complete': [
    'prompts-list',
    'prompts-get-simple',
    'prompts-get-with-args',
    'prompts-get-embedded-resource',
    'prompts-get-with-image',
    'completion-complete',
  ],
  'nothing is logged to clients': ['logging-set-level'],
};

/** These have nothing to check at a server that answers every request at once, and opens no stream. */
const OF_STREAMS = ['server-sse-polling', 'server-sse-multiple-streams'];

let world;
let door;
let folder;

before(async () => {
  [world, folder] = await Promise.all([open(), mkdtemp(join(tmpdir(), 'conformance-'))]);
  door = await showing(await world.idp.token(ADMIN, world.builderUrl), world.builderUrl);
});
after(async () => {
  door?.close();
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the whole suite; answers how many checks of each scenario passed and failed. */
function suite() {
  const args = [SUITE, 'server', '--url', door.url, '--suite', 'all'];
  return new Promise((done) => {
    execFile(NODE, args, { cwd: folder, timeout: 120_000, maxBuffer: 1e8 }, (_, stdout, stderr) => {
      const lines = `${stdout}${stderr}`.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed/gm);
      done(new Map([...lines].map(([, name, passed, failed]) => [name, { passed: +passed, failed: +failed }])));
    });
  });
}

test('every scenario of the suite passes, or is one that only its example server can pass', async () => {
  const found = await suite();
  const those = (wanted) => [...found].filter(([, checks]) => wanted(checks)).map(([name]) => name);
  assert.deepEqual(those(({ passed, failed }) => passed > 0 && failed === 0).toSorted(), APPLIES.toSorted());
  assert.deepEqual(those(({ passed, failed }) => passed + failed === 0).toSorted(), OF_STREAMS.toSorted());
  const examples = Object.values(OF_THE_EXAMPLE).flat();
  assert.deepEqual(those(({ failed }) => failed > 0).toSorted(), examples.toSorted());
});
