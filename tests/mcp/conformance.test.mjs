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

/** What passes without having been meant to: the suite asks for less than it says. */
const PASSES_ANYWAY = ['tools-call-error', 'server-sse-polling', 'server-sse-multiple-streams'];

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

function suite(...args) {
  return new Promise((done) => {
    execFile(NODE, [SUITE, ...args], { cwd: folder, timeout: 60_000 }, (error, stdout, stderr) =>
      done({ passes: !error, said: stdout + stderr }),
    );
  });
}

const scenario = (name) => suite('server', '--url', door.url, '--scenario', name);

for (const name of APPLIES) {
  test(`the suite's scenario ${name} passes`, async () => {
    const { passes, said } = await scenario(name);
    assert.ok(passes, said);
  });
}

test('every scenario of the suite passes, or is one that only the example server can pass', async () => {
  const { said } = await suite('list', '--server');
  const known = [...said.matchAll(/^ {2}- ([\w-]+)/gm)].map(([, name]) => name);
  const examples = Object.values(OF_THE_EXAMPLE).flat();
  assert.deepEqual(known.toSorted(), [...APPLIES, ...examples, ...PASSES_ANYWAY].toSorted());
});
