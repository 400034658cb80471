// A shared connector in the console: one account for all apps, connected in a window of its own.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, shot } from './chromium.mjs';
import { admin, button, field, title, world } from './console-world.mjs';

test('an admin connects one account for all apps, in a window of its own, and disconnects it', async () => {
  const known = await admin({}, 'connectors', 'new', world.type);
  const { page, context } = known;
  const uri = await page.locator('.copyable code').textContent();
  const client = { client_id: 'client-of-the-office', client_secret: 'canary-secret-of-the-office' };
  await world.provider.register({ ...client, redirect_uris: [uri] });
  await field(page, 'Connector name').fill('Office');
  await page.getByRole('radio', { name: /^One account for the whole workspace/ }).check();
  await shot(page, 'console-shared-add');
  await field(page, 'Client ID').fill(client.client_id);
  await field(page, 'Client secret').fill(client.client_secret);
  await field(page, 'Scopes').fill('openid\nemail\ncalendar.read');
  await button(page, 'Add connector').click();
  await title(page, 'Office').waitFor();
  await page.getByText('Not connected', { exact: true }).waitFor();
  await assertSound(known, 'a shared connector that is not connected');

  const connectAs = async (name, account) => {
    // The provider would remember who was there before.
    await context.clearCookies({ domain: new URL(world.provider.issuer).hostname });
    const opens = context.waitForEvent('page');
    await button(page, name).click();
    const provider = await opens;
    await provider.getByRole('textbox').first().fill(account);
    await provider.getByRole('button', { name: 'Allow' }).click();
  };
  await connectAs('Connect', 'office');
  await page.getByText('Every app of the workspace can use it now.').waitFor();
  await page.getByRole('heading', { level: 3, name: /office/ }).waitFor();
  await shot(page, 'console-shared');
  await assertSound(known, 'a shared connector');
  const id = page.url().split('/').at(-1);
  const path = `${world.app.path}/external-auth/tokens/connectors/${id}`;
  assert.equal((await world.api.get(path, { key: world.app.key })).status, 200);

  await connectAs('Reconnect', 'warehouse');
  await page.getByText('The account was not connected.').waitFor();
  await page.getByRole('link', { name: 'Connectors', exact: true }).last().click();
  await page.getByRole('heading', { level: 2, name: 'Shared connectors' }).waitFor();
  await page
    .getByText(/office/)
    .first()
    .waitFor();
  await shot(page, 'console-kinds');
  await page.getByRole('link', { name: 'Office', exact: true }).click();
  await button(page, 'Disconnect').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await page.getByText('No account is connected yet.').waitFor();
  assert.equal((await world.api.get(path, { key: world.app.key })).status, 404);
  assert.deepEqual(known.complaints, []);
  await context.close();
});
