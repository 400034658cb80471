// Connectors in the console: added, edited, deleted, the people behind them, and what is said about mistakes.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, shot } from './chromium.mjs';
import { admin, button, changed, connect, field, title, world } from './console-world.mjs';

test('a connector is added, looked at, edited and deleted', async () => {
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  await page.getByRole('link', { name: 'Add connector' }).click();
  await field(page, 'Search providers').fill('real auth');
  await shot(page, 'console-add-1-choose');
  await page.getByRole('link', { name: 'A real authorization server' }).click();
  await title(page, 'Add A real authorization server').waitFor();

  const uri = await page.locator('.copyable code').textContent();
  assert.match(uri, new RegExp(`^${world.product.base}/api/external-auth/callback/con_[0-9A-Z]{26}$`));
  await shot(page, 'console-add-2-enter');
  await field(page, 'Connector name').fill('Team calendar');
  await button(page, 'Add connector').click();
  await page.getByText('Paste the client ID').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.labels[0].textContent), 'Client ID');
  await assertSound(known, 'a form with a mistake');
  await field(page, 'Client ID').fill('client-of-the-console');
  await field(page, 'Client secret').fill('canary-secret-of-the-console');
  await field(page, 'Scopes').fill('openid\ncalendar.read\n');
  await button(page, 'Add connector').click();
  await title(page, 'Team calendar').waitFor();

  const id = page.url().split('/').at(-1);
  const made = await world.admin('GET', `/connectors/${id}`);
  assert.equal(made.body.redirect_uri, uri, 'what was registered before is what it has');
  assert.deepEqual(made.body.scopes, ['openid', 'calendar.read']);
  await page
    .getByText(/^Last changed/)
    .first()
    .waitFor();
  assert.ok(!(await page.content()).includes('canary-secret-of-the-console'));
  await shot(page, 'console-view');

  await page.getByRole('link', { name: 'Edit' }).click();
  await field(page, 'Connector name').fill('Everybody’s calendar');
  await button(page, 'Save').click();
  await title(page, 'Everybody’s calendar').waitFor();
  await page.getByText('Saved. Nobody has to connect again.').waitFor();

  await button(page, 'Delete connector').click();
  const dialog = page.getByRole('dialog', { name: 'Delete Everybody’s calendar?' });
  await dialog.getByText('Nobody is connected through it.').waitFor();
  await dialog.getByRole('button', { name: 'Delete connector' }).click();
  await dialog.getByText('This is not the name.').waitFor();
  assert.equal((await world.admin('GET', `/connectors/${id}`)).status, 200);
  await shot(page, 'console-delete');
  await assertSound(known, 'a question');
  await dialog.getByRole('textbox').fill('Everybody’s calendar');
  await dialog.getByRole('button', { name: 'Delete connector' }).click();
  await title(page, 'Connectors').waitFor();
  assert.equal((await world.admin('GET', `/connectors/${id}`)).status, 404);
  assert.equal(await page.getByRole('link', { name: 'Everybody’s calendar' }).count(), 0);
  await assertSound(known, 'the list');
  await context.close();
});

test('other scopes are saved only after it was said how many people must connect again', async () => {
  const connector = await world.newConnector({ name: 'Shared work' });
  await connect(connector, 'alice', 'bob');
  const known = await admin({}, 'connectors', connector.id, 'edit');
  const { page, context } = known;
  await field(page, 'Scopes').fill([...connector.scopes, 'calendar.write'].join('\n'));
  await button(page, 'Save').click();
  const dialog = page.getByRole('dialog', { name: '2 people have to connect again' });
  await dialog.waitFor();
  await shot(page, 'console-scopes');
  await dialog.getByRole('button', { name: 'Back' }).click();
  assert.deepEqual((await world.admin('GET', `/connectors/${connector.id}`)).body.scopes, connector.scopes);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Save', 'the focus is where it was');

  await button(page, 'Save').click();
  await dialog.getByRole('button', { name: 'Save all the same' }).click();
  await title(page, 'Shared work').waitFor();
  await page.locator('.tabs').getByRole('link', { name: 'People' }).click();
  await page.getByText('Must connect again').nth(1).waitFor();
  await page.getByText('1 permission is missing').first().waitFor();
  await shot(page, 'console-people');
  await assertSound(known, 'people');
  await context.close();
});

test('one person is disconnected, and nobody else', async () => {
  const connector = await world.newConnector({ name: 'One of two' });
  await connect(connector, 'carol', 'dave');
  const known = await admin({}, 'connectors', connector.id, 'people');
  const { page, context } = known;
  const carol = page
    .getByRole('listitem')
    .filter({ has: page.getByText('carol', { exact: true }) })
    .first();
  await carol.getByRole('button', { name: /^Disconnect/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await page.getByText(/is disconnected/).waitFor();
  const left = (await world.admin('GET', `/connectors/${connector.id}/connections`)).body.connections;
  assert.deepEqual(
    left.map((one) => one.user.sub),
    ['dave'],
  );
  await assertSound(known, 'people');
  await context.close();
});

test('what a provider needs besides is asked for, and one that can’t be had says why', async () => {
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  const closed = { integration_type: 'closed', name: 'Closed', unavailable: 'It hands out no clients at present.' };
  await changed(page, '**/api/providers?*', ({ providers }) => ({ providers: [...providers, closed] }));
  await page.route('**/api/providers/closed', (route) => route.fulfill({ json: closed }));
  await changed(page, '**/api/providers/github', (github) => ({
    ...github,
    vars: {
      shop: { from: 'app', label: 'Shop', description: 'The name before .example.com', example: 'acme' },
      region: { from: 'input', label: 'Region', choices: ['eu', 'us'] },
      account: { from: 'token:team.id' },
    },
  }));
  await page.reload();
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.getByRole('link', { name: 'Add connector' }).click();
  await field(page, 'Search providers').fill('closed');
  await page.getByRole('link', { name: 'Closed', exact: true }).click();
  await page.getByText('It hands out no clients at present.').waitFor();
  await page.getByRole('link', { name: 'Choose another provider' }).click();
  await field(page, 'Search providers').fill('github');
  await page.getByRole('link', { name: 'GitHub', exact: true }).click();
  await title(page, 'Add GitHub').waitFor();
  await field(page, 'Client ID').fill('with-vars');
  await field(page, 'Client secret').fill('canary-of-vars');
  await field(page, 'Shop').fill('acme');
  await field(page, 'Region').selectOption('eu');
  assert.equal(await field(page, 'account').count(), 0, 'what the provider tells is not asked for');
  await assertSound(known, 'vars');
  await shot(page, 'console-vars');
  const asked = page.waitForRequest((request) => request.method() === 'POST');
  await button(page, 'Add connector').click();
  assert.deepEqual((await asked).postDataJSON().connection_config, { shop: 'acme', region: 'eu' });
  await context.close();
});

test('what the API does not accept is said beside the field that it is about', async () => {
  const known = await admin({}, 'connectors', 'new', 'github');
  const { page, context } = known;
  const taken = await world.newConnector({ name: 'Taken' });
  await field(page, 'Connector name').fill('Taken');
  await field(page, 'Client ID').fill('with\u00e9');
  await field(page, 'Client secret').fill('canary');
  await button(page, 'Add connector').click();
  await page.getByText('Must be 1 to 512 visible ASCII characters.').waitFor();
  assert.equal(await field(page, 'Client ID').getAttribute('aria-invalid'), 'true');
  await field(page, 'Client ID').fill('fits');
  await button(page, 'Add connector').click();
  await page.getByText('Another connector of this workspace has this name.').waitFor();
  assert.equal(await field(page, 'Connector name').getAttribute('aria-invalid'), 'true');
  await world.admin('DELETE', `/connectors/${taken.id}`);

  await page.goto(`${world.product.base}/console/${world.product.dev.workspace_id}/providers/new`);
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await title(page, 'Define a provider').waitFor();
  await field(page, 'Definition').fill('{"id": "acme", ');
  await button(page, 'Define').click();
  await page.getByText(/^This is no JSON/).waitFor();
  await field(page, 'Definition').fill(
    '{"id": "acme", "name": "Acme", "authorize": {"url": "http://acme.example/a"}, "token": {}}',
  );
  await button(page, 'Define').click();
  await page.getByText('/token/url').waitFor();
  await shot(page, 'console-provider-new');
  assert.deepEqual(known.complaints, []);
  await context.close();
});
