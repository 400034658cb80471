// Connections that come in from a file, and leave encrypted: what is seen before, and that no token stays in the page.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Tables } from '../harness/tables.mjs';
import { assertSound, shot } from './chromium.mjs';
import { DARK, SMALL, admin, button, connect, field, title, world } from './console-world.mjs';

/** The public half of a key, from the documentation of age. */
const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';

const ACCESS = 'canary-access-token-of-before';
const REFRESH = 'canary-refresh-token-of-before';

const grantOf = (connector, sub, more = {}) => ({
  app_id: world.app.id,
  user: { sub },
  client_id: connector.client_id,
  access_token: `${ACCESS}-${sub}`,
  refresh_token: `${REFRESH}-${sub}`,
  expires_at: '2027-01-31T12:00:00Z',
  scopes: connector.scopes,
  account: { id: `${sub}@before`, name: `${sub} of before` },
  ...more,
});

const connectionsOf = async ({ id }) => (await world.admin('GET', `/connectors/${id}/connections`)).body.connections;

const dialogOf = (page, name) => page.getByRole('dialog', { name });

test('grants are looked at first, then imported in pieces, and no token is left in the page', async () => {
  const connector = await world.newConnector({ name: 'Moved in' });
  const known = await admin({}, 'connectors', connector.id, 'import');
  const { page, context } = known;
  const grants = Array.from({ length: 120 }, (_, at) => grantOf(connector, `mover-${at}`));
  grants[110] = { ...grants[110], expires_at: 'soon' };
  grants[115] = { ...grants[115], label: 'x'.repeat(1_100_000) };
  const text = JSON.stringify(grants);
  await page.getByLabel('File', { exact: true }).setInputFiles({
    name: 'grants.json',
    mimeType: 'application/json',
    buffer: Buffer.from(text),
  });
  await button(page, 'Look what would come in').click();
  await page.getByText('Of 120 grants, 118 would come in.').waitFor();
  await page.getByText('2 would be refused.').waitFor();
  await page.getByText('Grant 111: refused').waitFor();
  await page.getByText('/connections/110/expires_at', { exact: true }).waitFor();
  await page.getByText('Grant 116: refused').waitFor();
  await page.getByText('is larger than any import takes').waitFor();
  await shot(page, 'console-import-look');
  await assertSound(known, 'what would come in');
  assert.deepEqual(await connectionsOf(connector), [], 'nothing is stored yet');
  await button(page, 'Import 118 connections').click();
  await page.getByText('118 connections are here now.').waitFor();
  assert.ok(!(await page.content()).includes('canary-'), 'no token is in the page');
  await shot(page, 'console-import-done');
  await assertSound(known, 'what came in');
  await page.getByRole('link', { name: 'See who is connected' }).click();
  await button(page, 'Show more').waitFor();
  assert.equal((await connectionsOf(connector)).length, 100);
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}?revoke=false`);
});

test('what is no grant is refused before anything is sent, in words that repeat nothing of it', async () => {
  const connector = await world.newConnector({ name: 'Nothing comes in' });
  const known = await admin({ ...SMALL, ...DARK }, 'connectors', connector.id, 'import');
  const { page, context } = known;
  const sent = [];
  page.on('request', (request) => request.url().includes('/import') && sent.push(request.url()));
  const area = field(page, 'Or paste it');
  for (const [text, said] of [
    ['', 'Choose a file, or paste the grants.'],
    [`{"refresh_token": "${REFRESH}"`, 'This is no JSON: it may have been cut off.'],
    [`"${REFRESH}"`, 'This is JSON, but no grants.'],
    [`[1, "${REFRESH}"]`, 'This is JSON, but no grants.'],
    ['[]', 'There is no grant in it.'],
    [`{"connections": []}\n{"connections": [${REFRESH}]}`, 'Line 2 is no JSON.'],
    ['-----BEGIN AGE ENCRYPTED FILE-----', 'This is encrypted.'],
  ]) {
    await area.fill(text);
    await button(page, 'Look what would come in').click();
    await page.getByText(said).waitFor();
    assert.equal(await page.locator('.error:visible').filter({ hasText: 'canary-' }).count(), 0, said);
  }
  assert.deepEqual(sent, []);
  await shot(page, 'console-import-refused-small-dark');
  await assertSound(known, 'what is no grant');

  // One of another client: the API refuses it, and says where.
  await area.fill(JSON.stringify(grantOf(connector, 'nina', { client_id: 'another' })));
  await button(page, 'Look what would come in').click();
  await page.getByText('This is JSON, but no grants.').waitFor();
  await area.fill(JSON.stringify([grantOf(connector, 'nina', { client_id: 'another' })]));
  await button(page, 'Look what would come in').click();
  await page.getByText('Of 1 grant, 0 would come in.').waitFor();
  await page.getByText('/connections/0/client_id', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Import/ }).count(), 0);
  await assertSound(known, 'a grant that is refused');
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('an import that breaks off goes on where it was', async () => {
  const connector = await world.newConnector({ name: 'Broken off' });
  const known = await admin({}, 'connectors', connector.id, 'import');
  const { page, context } = known;
  const grants = Array.from({ length: 150 }, (_, at) => grantOf(connector, `goer-${at}`));
  await field(page, 'Or paste it').fill(grants.map((one) => JSON.stringify({ connections: [one] })).join('\n'));
  await button(page, 'Look what would come in').click();
  await button(page, 'Import 150 connections').waitFor();
  let isDown = true;
  await page.route('**/import', (route) =>
    isDown && route.request().postDataJSON().connections[0].user.sub !== 'goer-0' ? route.abort() : route.fallback(),
  );
  await button(page, 'Import 150 connections').click();
  await page.getByText(/connections have come in so far\. Going on is safe/).waitFor();
  await page.getByText('There is no answer. Check the network connection, then try again.').waitFor();
  await shot(page, 'console-import-broken');
  await assertSound(known, 'an import that broke off');
  isDown = false;
  await button(page, 'Go on').click();
  await page.getByText('150 connections are here now.').waitFor();
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}?revoke=false`);
});

/** Lets the connector be exportable since before yesterday, as if a day had gone by. */
async function letADayPass(connector) {
  const tables = new Tables(world.product.dev.endpoints.dynamodb);
  const all = await tables.everything();
  const { table, item } = all.find(
    ({ item: one }) => one.sk?.S === `CONNECTOR#${connector.id}` && one.exportable_since !== undefined,
  );
  const [[kind, value]] = Object.entries(item.exportable_since);
  const earlier =
    kind === 'N' ? String(Number(value) - 100_000_000) : new Date(Date.parse(value) - 100_000_000).toISOString();
  await tables.put(table, { ...item, exportable_since: { [kind]: earlier } });
  tables.close();
}

test('connections may leave a day after it was allowed, and do so encrypted to the key of whoever takes them', async () => {
  const connector = await world.newConnector({ name: 'Moved out' });
  await connect(connector, 'olga', 'paul');
  const known = await admin({}, 'connectors', connector.id, 'export');
  const { page, context } = known;
  await button(page, 'Allow export').click();
  await dialogOf(page, 'Let connections of Moved out leave?')
    .getByRole('button', { name: 'Allow it from tomorrow on' })
    .click();
  await page.getByText(/^It is allowed\. Connections may leave from /).waitFor();
  assert.equal(await field(page, 'age recipient').count(), 0, 'not today');
  await shot(page, 'console-export-waits');
  await assertSound(known, 'an export that waits');
  const refused = await world.admin('POST', `/connectors/${connector.id}/export`, { recipient: RECIPIENT });
  assert.equal(refused.status, 409);

  await letADayPass(connector);
  await page.locator('.tabs').getByRole('link', { name: 'Overview' }).click();
  await page.locator('.tabs').getByRole('link', { name: 'Export' }).click();
  await field(page, 'age recipient').fill('age1-of-nobody');
  await button(page, 'Begin export').click();
  await page.locator('[aria-invalid="true"]').waitFor();
  await assertSound(known, 'a key that is none');
  await field(page, 'age recipient').fill(RECIPIENT);
  await button(page, 'Begin export').click();
  await page.getByText(/^Done: 2 connections in 1 file\./).waitFor();
  await shot(page, 'console-export-done');
  await assertSound(known, 'an export');
  const downloads = page.waitForEvent('download');
  await page.getByRole('link', { name: /^Save / }).click();
  const saved = await downloads;
  assert.equal(saved.suggestedFilename(), `${connector.id}-1.age`);
  const file = await readFile(await saved.path(), 'utf8');
  assert.match(file, /^-----BEGIN AGE ENCRYPTED FILE-----\n/);
  assert.ok(!(await page.content()).includes(file.slice(100, 200)), 'the file is no part of the page');

  await button(page, 'Stop refreshing here').click();
  await page.getByText(/^Since .*, nothing is refreshed here and nobody can connect\./).waitFor();
  await page.getByText('Moving out').waitFor();
  await field(page, 'age recipient').fill(RECIPIENT);
  await button(page, 'Begin export').click();
  await page.getByText(/have just begun to move out/).waitFor();
  await assertSound(known, 'connections that move out');
  await button(page, 'Go on refreshing here').click();
  await button(page, 'Stop refreshing here').waitFor();

  await button(page, 'Forbid it again').click();
  await button(page, 'Allow export').waitFor();
  assert.equal((await world.admin('GET', `/connectors/${connector.id}`)).body.exportable_from, null);
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('an import stops when its page is left, so that nothing goes on after signing out', async () => {
  const connector = await world.newConnector({ name: 'Left' });
  const known = await admin({}, 'connectors', connector.id, 'import');
  const { page, context } = known;
  const grants = Array.from({ length: 150 }, (_, at) => grantOf(connector, `leaver-${at}`));
  await field(page, 'Or paste it').fill(JSON.stringify(grants));
  await button(page, 'Look what would come in').click();
  await button(page, 'Import 150 connections').waitFor();
  let held;
  const arrived = new Promise((isHeld) => {
    page.route('**/import', async (route) => {
      isHeld();
      await new Promise((go) => (held = go));
      await route.fallback();
    });
  });
  await button(page, 'Import 150 connections').click();
  await arrived;
  await button(page, 'Sign out').click();
  await field(page, 'Admin key').waitFor();
  const answered = page.waitForResponse('**/import');
  held();
  await (await answered).finished();
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await title(page, 'Left').waitFor();
  await page.locator('.tabs').getByRole('link', { name: 'People' }).click();
  await page.locator('.person').first().waitFor();
  assert.equal((await connectionsOf(connector)).length, 100, 'the second piece was never sent');
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}?revoke=false`);
});

test('an export can be stopped between two pages, and goes on behind the last', async () => {
  const connector = await world.newConnector({ name: 'Many leave' });
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  const asked = [];
  await page.route(`**/connectors/${connector.id}`, async (route) => {
    const answer = await route.fetch();
    const json = { ...(await answer.json()), exportable_from: '2026-01-01T00:00:00Z' };
    await route.fulfill({ response: answer, json });
  });
  let held;
  await page.route('**/export', async (route) => {
    const { cursor } = route.request().postDataJSON();
    asked.push(cursor);
    if (asked.length === 2) await new Promise((go) => (held = go));
    const number = cursor ? Number(cursor.slice(1)) : 0;
    const json = {
      file: `page ${number}`,
      exported: 200,
      left_out: 1,
      next_cursor: number < 3 ? `c${number + 1}` : null,
    };
    await route.fulfill({ json });
  });
  await page.getByRole('link', { name: 'Many leave', exact: true }).click();
  await title(page, 'Many leave').waitFor();
  await page.locator('.tabs').getByRole('link', { name: 'Export' }).click();
  await field(page, 'age recipient').fill(RECIPIENT);
  await button(page, 'Begin export').click();
  await page.getByText('200 connections in 1 file so far.').waitFor();
  await button(page, 'Stop').click();
  held();
  await button(page, 'Go on').waitFor();
  assert.deepEqual(asked, [null, 'c1']);
  await button(page, 'Go on').click();
  await page.getByText('Done: 800 connections in 4 files. 4 connections were left out').waitFor();
  assert.deepEqual(asked, [null, 'c1', 'c2', 'c3']);
  assert.equal(await page.getByRole('link', { name: /^Save / }).count(), 4);
  await assertSound(known, 'an export of many pages');
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});
