// A shared connector in the console: one account for all apps, connected in a window of its own.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, shot } from './chromium.mjs';
import { admin, button, changed, field, title, world } from './console-world.mjs';

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
  await page.getByText('First admin key', { exact: true }).waitFor();
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

test('what a shared connector leaves open is asked for when connecting, and a change says that the account is meant', async () => {
  const connector = await world.newConnector({ name: 'Shop of the office', kind: 'shared' });
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  await changed(page, '**/api/workspace/*/providers', ({ providers }) => ({
    providers: providers.map((one) => ({
      ...one,
      vars: { shop: { from: 'input', label: 'Shop', description: 'The name before .example.com.', example: 'acme' } },
    })),
  }));
  await page.reload();
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.getByRole('link', { name: 'Shop of the office', exact: true }).click();
  await button(page, 'Connect').click();
  const asks = page.getByRole('dialog', { name: 'Connect Shop of the office' });
  await asks.getByLabel('Shop', { exact: true }).fill('acme');
  await shot(page, 'console-shared-vars');
  await assertSound(known, 'what is asked for');
  const asked = page.waitForRequest((request) => request.url().endsWith('/connect') && request.method() === 'POST');
  await asks.getByRole('button', { name: 'Go on to the provider' }).click();
  assert.deepEqual((await asked).postDataJSON(), { connection_config: { shop: 'acme' } });
  await asks.getByText(/is nothing that this connector leaves to its users/i).waitFor();
  assert.equal(await asks.getByLabel('Shop', { exact: true }).getAttribute('aria-invalid'), 'true');
  await asks.getByRole('button', { name: 'Cancel' }).click();

  const { status } = await world.connectShared(connector);
  assert.equal(status, 'completed');
  await page.getByRole('link', { name: 'Edit' }).click();
  await field(page, 'Scopes').fill([...connector.scopes, 'calendar.write'].join('\n'));
  await button(page, 'Save').click();
  await page.getByRole('dialog', { name: 'The account has to be connected again' }).waitFor();
  await shot(page, 'console-shared-scopes');
  await page.getByRole('dialog').getByRole('button', { name: 'Save all the same' }).click();
  await page.getByText('Saved. Connect the account again.').waitFor();
  await assertSound(known, 'an account that has to be connected again');
  await context.close();
});
