// Who the console lets do what: keys, foreign pages, tokens; and what others call things stays text.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, profile, shot } from './chromium.mjs';
import { MARKUP, admin, browser, button, field, title, world } from './console-world.mjs';

/** PUB-58. */
test('a connector called like markup is shown as text', async () => {
  const connector = await world.newConnector({ name: MARKUP });
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  await page.getByRole('link', { name: MARKUP, exact: true }).click();
  await title(page, MARKUP).waitFor();
  await button(page, 'Delete connector').click();
  await page.getByRole('dialog', { name: `Delete ${MARKUP}?` }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Audit' }).click();
  await title(page, 'Audit').waitFor();
  await page.getByText(MARKUP).first().waitFor();
  assert.equal(await page.locator('img').count(), 0);
  assert.deepEqual(known.complaints, []);
  await world.admin('DELETE', `/connectors/${connector.id}`);
  await context.close();
});

/** PUB-58: there is no cookie to ride on, and pages of other origins are told nothing. */
test('a page elsewhere makes nothing in the name of an admin who is signed in', async () => {
  const { page, context } = await admin({}, 'connectors');
  assert.deepEqual(await context.cookies(), [], 'the console sets no cookie');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!kept.includes(world.adminKey) && !kept.includes('uck_'), kept);
  // Another server on this machine: of pages from another network browsers would ask first.
  const elsewhere = await context.newPage();
  await elsewhere.goto(`${world.idp.issuer}/.well-known/openid-configuration`);
  const url = `${world.product.base}/api/workspace/${world.product.dev.workspace_id}/connectors`;
  const before = (await world.admin('GET', '/connectors')).body.connectors.length;
  const outcome = await elsewhere.evaluate(async (address) => {
    const body = JSON.stringify({ integration_type: 'github', name: 'Planted', client_id: 'x' });
    const send = (init) =>
      fetch(address, { method: 'POST', credentials: 'include', body, ...init }).then(
        (answer) => answer.type,
        () => 'blocked',
      );
    return [
      await send({}),
      await send({ mode: 'no-cors' }),
      await send({ headers: { 'content-type': 'application/json' } }),
    ];
  }, url);
  assert.deepEqual(outcome, ['blocked', 'opaque', 'blocked']);
  assert.equal((await world.admin('GET', '/connectors')).body.connectors.length, before);

  await page.reload();
  await field(page, 'Admin key').waitFor();
  assert.equal(await field(page, 'Admin key').inputValue(), '', 'a reload asks again');
  await context.close();
});

test('a wrong key, a foreign workspace and a revoked key are told apart, and nothing is shown', async () => {
  const { page, context } = await profile(browser);
  await page.goto(`${world.product.base}/console`);
  await field(page, 'Workspace ID').fill(world.product.dev.workspace_id);
  await field(page, 'Admin key').fill(`${world.adminKey.slice(0, -4)}aaaa`);
  await button(page, 'Sign in').click();
  await page.getByText('This key is not accepted.').waitFor();
  await field(page, 'Workspace ID').fill('ws_01ARZ3NDEKTSV4RRFFQ69G5FAV');
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.getByText('The key is good, but not for this workspace.').waitFor();
  await shot(page, 'console-sign-in');
  await context.close();
});

test('whoever may only look is offered nothing else', async () => {
  const made = await world.admin('POST', '/keys', { name: 'looker', role: 'read' });
  const { page, context } = await profile(browser);
  await page.goto(`${world.product.base}/console/${world.product.dev.workspace_id}/connectors`);
  await field(page, 'Admin key').fill(made.body.key);
  await button(page, 'Sign in').click();
  await title(page, 'Connectors').waitFor();
  await page.getByText('May look only', { exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Add connector' }).count(), 0);
  await page.getByRole('link', { name: 'Apps' }).click();
  await page.getByRole('link', { name: 'Calendar app' }).click();
  await title(page, 'Calendar app').waitFor();
  assert.equal(await page.getByRole('button', { name: /Create|Save|Delete|Rotate|Revoke/ }).count(), 0);
  await context.close();
});

test('a service key is shown once, rotated and revoked', async () => {
  const app = await world.newApp('Keys');
  const known = await admin({}, 'apps', app.id);
  const { page, context } = known;
  await button(page, 'Rotate backend').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make the new key' }).click();
  const shown = page.getByRole('dialog', { name: 'Here is the key' });
  const key = await shown.locator('code').first().textContent();
  assert.match(key, /^uck_app_/);
  await shot(page, 'console-key');
  await assertSound(known, 'a key that was just made');
  await shown.getByRole('button', { name: 'I have stored it' }).click();
  await shown.waitFor({ state: 'detached' });
  assert.ok(!(await page.content()).includes(key), 'it is shown once');
  assert.equal(await button(page, 'Revoke backend').count(), 2, 'both work');
  await button(page, 'Revoke backend').last().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke key' }).click();
  await page.getByText(/^Revoked /).waitFor();
  const { keys } = (await world.admin('GET', `/apps/${app.id}/keys`)).body;
  assert.deepEqual(keys.map((one) => Boolean(one.revoked_at)).sort(), [false, true]);
  assert.ok(
    keys.every((one) => one.permissions.includes('tokens:offline')),
    'the new one may do the same',
  );
  await context.close();
});

test('a pasted token is read in the page, and what is wrong with it is said beside', async () => {
  const known = await admin({}, 'apps', world.app.id);
  const { page, context } = known;
  await page.getByText('Check a token', { exact: true }).click();
  const check = async (token) => {
    await field(page, 'Token of a user').fill(token);
    await button(page, 'Check the token').click();
  };
  await check((await world.user('erin')).jwt);
  await page.getByText('Taken', { exact: true }).waitFor();
  await page.getByText('erin', { exact: true }).waitFor();
  await check(await world.idp.token('erin', 'another-audience'));
  await page.getByText('Not taken', { exact: true }).waitFor();
  await page
    .getByText('`aud` does not have the app’s audience')
    .or(page.getByText("`aud` does not have the app's audience"))
    .waitFor();
  await shot(page, 'console-token');
  await assertSound(known, 'an app');
  await context.close();
});

test('a key that is not accepted any more ends the session, and nothing stays on the page', async () => {
  const { page, context } = await admin({}, 'connectors');
  await page.route('**/api/workspace/*/apps', (route) =>
    route.fulfill({ status: 401, json: { code: 'unauthorized', detail: 'No.' } }),
  );
  await page.getByRole('link', { name: 'Apps' }).click();
  await page.getByText('The key is not accepted any more.').waitFor();
  await field(page, 'Admin key').waitFor();
  assert.equal(await page.locator('.menu').count(), 0);
  await context.close();
});

test('whoever connects an assistant finds its address, and is told that nobody gets in before there is an issuer', async () => {
  const known = await admin({}, 'workspace');
  const { page, context } = known;
  const { base_url: base, workspace_id: workspace } = world.product.dev;
  await page.getByText(`${base}/mcp/${workspace}`, { exact: true }).waitFor();
  await page.getByText('Nobody gets in there yet').waitFor();
  assert.equal((await fetch(`${base}/.well-known/oauth-protected-resource/mcp/${workspace}`)).status, 404);
  await assertSound(known, 'the workspace');
  await page.locator('#main').getByRole('link', { name: 'Sign-in' }).click();
  await title(page, 'Sign-in').waitFor();
  await page.locator('.menu a[data-section="apps"]').click();
  await page.getByRole('link', { name: 'Calendar app' }).click();
  const address = `${base}/mcp/apps/${world.app.id}`;
  await page.getByText(address, { exact: true }).waitFor();
  const metadata = await fetch(`${base}/.well-known/oauth-protected-resource/mcp/apps/${world.app.id}`);
  assert.equal((await metadata.json()).resource, address);
  await context.close();
});
