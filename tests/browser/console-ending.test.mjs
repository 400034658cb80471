// Ending many connections at once in the console: seen first, then confirmed by the figure, then reported on.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, shot } from './chromium.mjs';
import { DARK, SMALL, admin, button, connect, field, title, world } from './console-world.mjs';

const dialogOf = (page, name) => page.getByRole('dialog', { name });

test('connections of one connector end after their number was seen and typed, and the report follows by itself', async () => {
  const [leaked, other] = [
    await world.newConnector({ name: 'Leaked' }),
    await world.newConnector({ name: 'Unharmed' }),
  ];
  await connect(leaked, 'rosa', 'sven', 'tina');
  await connect(other, 'rosa');
  const known = await admin({}, 'revocations');
  const { page, context } = known;
  await field(page, 'Connector').selectOption({ label: 'Leaked' });
  await button(page, 'See what would end').click();
  await page.getByText('3 connections would end.').waitFor();
  await shot(page, 'console-ending-look');
  await assertSound(known, 'what would end');
  await button(page, 'End 3 connections').click();
  const asks = dialogOf(page, 'End 3 connections?');
  await asks.getByText('Leaked', { exact: true }).waitFor();
  await asks.getByRole('textbox').fill('4');
  await asks.getByRole('button', { name: 'End 3 connections' }).click();
  await asks.getByText('This is not the number.').waitFor();
  const left = async ({ id }) => (await world.admin('GET', `/connectors/${id}/connections`)).body.connections.length;
  assert.equal(await left(leaked), 3, 'nothing has ended');
  await assertSound(known, 'what is asked before');
  await asks.getByRole('textbox').fill('3');
  await asks.getByRole('button', { name: 'End 3 connections' }).click();
  await page.getByRole('heading', { level: 1, name: /^Ending of / }).waitFor();
  await page.getByText('Finished', { exact: true }).first().waitFor();
  await page.getByText('Finished: 3 ended.').waitFor({ state: 'attached' });
  await shot(page, 'console-ending-report');
  await assertSound(known, 'a report');
  assert.deepEqual([await left(leaked), await left(other)], [0, 1]);

  await page.locator('.trail').getByRole('link', { name: 'End connections' }).click();
  await page.getByRole('heading', { level: 2, name: 'Begun lately' }).waitFor();
  await page.getByText(/^3 connections ended$/).waitFor();
  await shot(page, 'console-ending-list');
  await assertSound(known, 'those that were begun');
  assert.deepEqual(known.complaints, []);
  await context.close();
  for (const { id } of [leaked, other]) await world.admin('DELETE', `/connectors/${id}`);
});

test('what is seen holds for what was chosen: another choice has to be looked at again', async () => {
  const connector = await world.newConnector({ name: 'Looked at' });
  await connect(connector, 'ulla');
  const known = await admin({ ...SMALL, ...DARK }, 'revocations');
  const { page, context } = known;
  await button(page, 'See what would end').click();
  await page.getByText(/another criterion is required/i).waitFor();
  await page.locator('[aria-invalid="true"]').waitFor();
  await field(page, 'Connector').selectOption({ label: 'Looked at' });
  await page.getByText('One person, or a time').click();
  await field(page, 'User ID').fill('ulla');
  await button(page, 'See what would end').click();
  await page.getByText('Choose the app whose user that is.').waitFor();
  await field(page, 'App').selectOption({ label: 'Calendar app' });
  await button(page, 'See what would end').click();
  await page.getByText('1 connection would end.').waitFor();
  await shot(page, 'console-ending-look-small-dark');
  await assertSound(known, 'what would end, on a small screen');
  await field(page, 'User ID').fill('somebody else');
  assert.equal(await button(page, 'End 1 connection').count(), 0, 'it has to be looked again');
  await button(page, 'See what would end').click();
  await page.getByText('No connection fits. There is nothing to end.').waitFor();
  assert.equal(await page.getByRole('button', { name: /^End / }).count(), 0);

  // Whoever waits too long has to look again, too.
  await field(page, 'User ID').fill('ulla');
  await page.route('**/revocations', (route) => {
    const { confirm, ...wish } = route.request().postDataJSON() ?? {};
    return confirm ? route.continue({ postData: { ...wish, confirm: '1.1.0' } }) : route.fallback();
  });
  await button(page, 'See what would end').click();
  await button(page, 'End 1 connection').click();
  const asks = dialogOf(page, 'End 1 connection?');
  await asks.getByRole('textbox').fill('1');
  await asks.getByRole('button', { name: 'End 1 connection' }).click();
  await asks.getByText(/^You looked more than a quarter of an hour ago\. Nothing has ended\./).waitFor();
  assert.equal((await world.admin('GET', `/connectors/${connector.id}/connections`)).body.connections.length, 1);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('whoever began it by mistake stops it, and sees that the others stay connected', async () => {
  const criteria = { user: { app_id: world.app.id, sub: 'nobody' } };
  const { body: look } = await world.admin('POST', '/revocations', criteria);
  const wish = { ...criteria, dry_run: false, confirm: look.confirm };
  const { body: begun } = await world.admin('POST', '/revocations', wish);
  const known = await admin({}, 'revocations');
  const { page, context } = known;
  // As if there were so many that it is still at it.
  let status = 'running';
  await page.route(`**/api/workspace/*/revocations/${begun.revocation_id}`, async (route) => {
    if (route.request().method() === 'DELETE') status = 'stopped';
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), status, ended: 7 } });
  });
  await page.locator(`a[href$="${begun.revocation_id}"]`).click();
  await page.getByText('Running', { exact: true }).waitFor();
  await button(page, 'Stop it').click();
  const asks = dialogOf(page, 'Stop ending connections?');
  await assertSound(known, 'what is asked before it is stopped');
  await asks.getByRole('button', { name: 'Stop it' }).click();
  await page.getByText('Stopped', { exact: true }).waitFor();
  await page.getByText('Stopped: 7 ended.').first().waitFor({ state: 'attached' });
  assert.equal(await button(page, 'Stop it').count(), 0);
  await assertSound(known, 'a report of one that was stopped');
  assert.deepEqual(known.complaints, []);
  await context.close();
});

test('whoever may look only sees what was ended and has no button to press in vain', async () => {
  const made = await world.admin('POST', '/keys', { name: 'looks', role: 'read' });
  const known = await admin({}, 'revocations');
  const { page, context } = known;
  await button(page, 'Sign out').click();
  await field(page, 'Admin key').fill(made.body.key);
  await button(page, 'Sign in').click();
  await title(page, 'End connections').waitFor();
  await page.getByText('You may look only. Ending connections needs an admin.').waitFor();
  assert.equal(await button(page, 'See what would end').count(), 0);
  await assertSound(known, 'for whoever may look only');
  await context.close();
});
