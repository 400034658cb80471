// Moving out as the README says it: its commands, letter by letter, in a shell.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { installAge } from '../harness/age.mjs';
import { Tables } from '../harness/tables.mjs';
import { World } from '../harness/world.mjs';

const README = resolve(import.meta.dirname, '../../README.md');
const DAY_MS = 86_400_000;

let world;
let directory;

before(async () => {
  [world, directory] = [await World.open(), await mkdtemp(join(tmpdir(), 'moving-out-'))];
});
after(async () => {
  await rm(directory, { recursive: true });
  await world.close();
});

/** The block of commands in which this stands, and how the README calls the API. */
async function commands(containing) {
  const readme = await readFile(README, 'utf8');
  const blocks = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block);
  const call = readme.match(/^json\(\) \{.*\}$/m)[0];
  return `${call}\n${blocks.find((block) => block.includes(containing))}`;
}

/** Makes a connector exportable, as an admin did two days ago. */
async function allowTwoDaysAgo(connector) {
  const allowed = await world.admin('PUT', `/connectors/${connector.id}`, { exportable: true });
  assert.equal(allowed.status, 200, allowed.text);
  const tables = new Tables(world.product.dev.endpoints.dynamodb);
  for (const { table, item } of await tables.everything()) {
    if (item.exportable_since === undefined) continue;
    item.exportable_since.N = String(Number(item.exportable_since.N) - 2 * DAY_MS);
    await tables.put(table, item);
  }
  tables.close();
}

function run(script, environment) {
  const commands = join(directory, 'bin');
  const env = { PATH: `${commands}:${process.env.PATH}`, HOME: directory, TMPDIR: directory, ...environment };
  const shell = spawn('bash', ['-c', script], { cwd: directory, env });
  return new Promise((settle) => {
    const said = { stdout: '', stderr: '' };
    for (const stream of Object.keys(said))
      shell[stream].setEncoding('utf8').on('data', (text) => (said[stream] += text));
    shell.on('close', (code) => settle({ code, ...said }));
  });
}

/** Grants of this many users, with tokens so long that a line of an export is one of the longest. */
function grants(connector, count) {
  return Array.from({ length: count }, (_, number) => ({
    app_id: world.app.id,
    user: { sub: `mover-${number}` },
    client_id: connector.client_id,
    access_token: `canary-${number}-${'x'.repeat(700)}`,
    expires_at: new Date(Date.now() + DAY_MS).toISOString(),
    label: `It's "${number}" \\n $(false) ü`,
  }));
}

test('the commands of the README move everything, page by page, and leave nothing in plain behind', async () => {
  await mkdir(join(directory, 'bin'));
  installAge(join(directory, 'bin'));
  const before = await world.newConnector();
  const moving = grants(before, 230);
  for (let from = 0; from < moving.length; from += 100) {
    const json = { connections: moving.slice(from, from + 100) };
    const imported = await world.admin('POST', `/connectors/${before.id}/import`, json);
    assert.equal(imported.body.refused, 0, imported.text);
  }
  await allowTwoDaysAgo(before);
  const same = { client_id: before.client_id, client_secret: before.client_secret };
  const home = await world.newConnector({ ...same, register: false });

  const base = `${world.product.base}${world.workspace}`;
  const environment = { api: base, ADMIN: world.adminKey, CONNECTOR: before.id };
  const told = { NEW_ADMIN: world.adminKey, NEW_API: `${base}/connectors/${home.id}` };
  const shutOut = await run(await commands('age-keygen -o move.key'), { ...environment, ...told, NEW_ADMIN: 'wrong' });
  assert.equal(shutOut.stdout.match(/"unauthorized"/g).length, 1, 'it stops there');
  await rm(join(directory, 'move.key'));
  const moved = await run(await commands('age-keygen -o move.key'), { ...environment, ...told });
  assert.deepEqual([moved.code, moved.stderr], [0, '']);
  const answers = moved.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const total = (name) => answers.reduce((sum, answer) => sum + answer[name], 0);
  assert.deepEqual([total('imported'), total('skipped'), total('refused')], [230, 0, 0], moved.stdout + moved.stderr);
  for (const number of [0, 117, 229]) {
    const { body, text } = await world.token(await world.user(`mover-${number}`), home);
    assert.equal(body.access_token, moving[number].access_token, text);
  }

  assert.ok(!`${moved.stdout}${moved.stderr}${world.product.log}`.includes('canary'));
  assert.deepEqual((await readdir(directory)).sort(), ['bin', 'move.key']);
  assert.equal((await stat(join(directory, 'move.key'))).mode & 0o077, 0);
});

test('commands that are refused say why, and do not go on for ever', async () => {
  await rm(join(directory, 'move.key'), { force: true });
  const locked = await world.newConnector();
  const base = `${world.product.base}${world.workspace}`;
  const environment = { api: base, ADMIN: world.adminKey, CONNECTOR: locked.id };
  const told = { NEW_ADMIN: world.adminKey, NEW_API: `${base}/connectors/${locked.id}` };
  const refused = await run(await commands('age-keygen -o move.key'), { ...environment, ...told });
  assert.match(refused.stdout + refused.stderr, /may not be exported/);
});
