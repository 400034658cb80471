// A person across connectors: looked up, disconnected, and what is kept of them deleted; and the workspace's plan.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, shot } from './chromium.mjs';
import { DARK, SMALL, admin, button, changed, connect, field, title, world } from './console-world.mjs';

const dialogOf = (page, name) => page.getByRole('dialog', { name });

test('a person is looked up by their ID, with all that they have connected, and disconnected from one of it', async () => {
  const [mail, files] = [await world.newConnector({ name: 'Mail' }), await world.newConnector({ name: 'Files' })];
  await connect(mail, 'ida', 'jon');
  await connect(files, 'ida');
  const known = await admin({}, 'people');
  const { page, context } = known;
  await button(page, 'Look up').click();
  await page.getByText('Enter the ID of a user.').waitFor();
  await field(page, 'App').selectOption({ label: 'Calendar app' });
  await field(page, 'User ID').fill('ida');
  await shot(page, 'console-people-find');
  await assertSound(known, 'looking for a person');
  await page.keyboard.press('Enter');
  await title(page, 'ida').waitFor();
  const headings = await page.locator('.person h2').allTextContents();
  assert.deepEqual(headings, ['Mail', 'Files']);
  await shot(page, 'console-person');
  await assertSound(known, 'a person');

  const card = page.locator('.person', { has: page.getByRole('link', { name: 'Files', exact: true }) });
  await card.getByRole('button', { name: /^Disconnect/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await card.waitFor({ state: 'detached' });
  const listed = await world.admin('GET', `/connectors/${files.id}/connections`);
  assert.deepEqual(listed.body.connections, []);
  assert.equal((await world.admin('GET', `/connectors/${mail.id}/connections`)).body.connections.length, 2);
  assert.deepEqual(known.complaints, []);
  await context.close();
  for (const { id } of [mail, files]) await world.admin('DELETE', `/connectors/${id}`);
});

test('whoever says an e-mail address only is found by it, and their data is deleted after their ID was typed', async () => {
  const connector = await world.newConnector({ name: 'Notes' });
  await connect(connector, 'karl', 'lea');
  const known = await admin({ ...SMALL, ...DARK }, 'people');
  const { page, context } = known;
  const search = field(page, 'Name, e-mail address or ID of the account');
  await search.fill('nobody@nowhere.example');
  await button(page, 'Search').click();
  await page.getByText(/^Nobody found among \d+ connections\.$/).waitFor();
  await search.fill('KARL');
  await button(page, 'Search').click();
  await page.getByText(/^1 person found among \d+ connections\.$/).waitFor();
  await shot(page, 'console-people-found-small-dark');
  await assertSound(known, 'people who were found');
  await page.locator('#main .row').getByRole('link').click();
  await title(page, 'karl').waitFor();
  await assertSound(known, 'a person on a small screen');

  await button(page, 'Delete this person’s data').click();
  const asks = dialogOf(page, 'Delete what is kept of karl?');
  await asks.getByText('1 connection ends at once.').waitFor();
  await asks.getByRole('textbox').fill('lea');
  await asks.getByRole('button', { name: 'Delete the data' }).click();
  await asks.getByText('This is not the ID.').waitFor();
  const left = async () => (await world.admin('GET', `/connectors/${connector.id}/connections`)).body.connections;
  assert.equal((await left()).length, 2, 'nothing is deleted');
  await assertSound(known, 'what is asked before');
  await asks.getByRole('textbox').fill('karl');
  await asks.getByRole('button', { name: 'Delete the data' }).click();
  await page.getByText('Nothing is connected').waitFor();
  assert.deepEqual(
    (await left()).map(({ user }) => user.sub),
    ['lea'],
  );
  await assertSound(known, 'somebody who has nothing');
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('from a connector’s people one comes to all that each has, and a name of dots leads nowhere', async () => {
  const connector = await world.newConnector({ name: 'Drive' });
  await connect(connector, 'max');
  const known = await admin({}, 'connectors', connector.id, 'people');
  const { page, context } = known;
  await page.locator('.person').getByRole('link', { name: 'max' }).click();
  await title(page, 'max').waitFor();
  await page.getByText(world.idp.issuer, { exact: true }).waitFor();
  await page.locator('.menu a[data-section="people"]').click();
  await title(page, 'People').waitFor();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  await field(page, 'User ID').fill('..');
  await button(page, 'Look up').click();
  await page.locator('#main:not([aria-busy])').waitFor();
  assert.deepEqual(
    asked.filter((url) => url.includes('/users')),
    [],
    'no other address is asked in its place',
  );
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('the workspace tells its plan, how much of it is used, and what it means that it is full', async () => {
  const known = await admin({}, 'workspace');
  const { page, context } = known;
  await page.getByText('This workspace has no plan that limits it.').waitFor();
  await page.getByText(world.product.dev.workspace_id, { exact: true }).last().waitFor();
  await assertSound(known, 'a workspace without a plan');
  await changed(page, `**/api/workspace/${world.product.dev.workspace_id}`, (found) => ({
    ...found,
    plan: { name: 'free', limits: { connectors: 3, connections: 100, custom_providers: false, shared: false } },
    use: { connectors: 2, connections: 100 },
  }));
  await page.locator('.menu a[data-section="audit"]').click();
  await title(page, 'Audit').waitFor();
  await page.locator('.menu a[data-section="workspace"]').click();
  await page.getByRole('row', { name: 'Connections 100 of 100' }).waitFor();
  await page.getByRole('row', { name: 'Connectors 2 of 3' }).waitFor();
  await page.getByText(/There is no room for another connection\./).waitFor();
  assert.equal(await page.getByText(/There is no room for another connector\./).count(), 0);
  await shot(page, 'console-workspace-full');
  await assertSound(known, 'a workspace whose plan is full');
  await context.close();
});
