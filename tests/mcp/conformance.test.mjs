// The official conformance suite against the endpoint of a builder's assistant.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { ADMIN, open, showing } from './assistants.mjs';
import { SUITES, run, those } from './suite.mjs';

/** Those that ask what any server is asked, or about something that this one has. */
const PASSES = {
  released: ['dns-rebinding-protection', 'ping', 'prompts-list', 'resources-list', 'server-initialize', 'tools-list'],
  next: [
    'caching',
    'dns-rebinding-protection',
    'http-header-validation',
    'input-required-result-ignore-extra-params',
    'input-required-result-missing-input-response',
    'input-required-result-unsupported-methods',
    'input-required-result-validate-input',
    'prompts-list',
    'resources-list',
    'sep-2164-resource-not-found',
    'server-sse-multiple-streams',
    'tools-list',
  ],
};

/** Those that there is nothing to check by, at a server that opens no stream. */
const ASKS_NOTHING = { released: ['server-sse-multiple-streams', 'server-sse-polling'], next: [] };

let world;
let door;

before(async () => {
  world = await open();
  door = await showing(await world.idp.token(ADMIN, world.builderUrl), world.builderUrl);
});
after(async () => {
  door?.close();
  await world?.close();
});

for (const [name, version] of [['released'], ['next', '2026-07-28']]) {
  test(`the ${name} suite passes wherever it asks for no example of its own`, async () => {
    const found = await run(SUITES[name], door.url, version);
    assert.deepEqual(
      those(found, ({ passed, failed }) => passed > 0 && failed === 0),
      PASSES[name],
    );
    assert.deepEqual(
      those(found, ({ passed, failed }) => passed + failed === 0),
      ASKS_NOTHING[name],
    );
  });
}
