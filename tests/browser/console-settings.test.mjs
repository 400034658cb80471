// What is set once in the console: webhooks, policies, what apps may call, endpoints that moved; and what a plan does not have.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Webhook } from 'standardwebhooks';
import { assertSound, shot } from './chromium.mjs';
import { SMALL, admin, button, changed, connect, field, title, world } from './console-world.mjs';

/** A receiver of webhooks, which answers `status`. */
async function receiver(status) {
  const deliveries = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    deliveries.push({ body: Buffer.concat(chunks).toString(), headers: request.headers });
    response.writeHead(status).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/hook`, deliveries, close };
}

const dialogOf = (page, name) => page.getByRole('dialog', { name });

test('a webhook is added, tested, given a new secret and deleted, and a secret is shown once', async () => {
  const takes = await receiver(204);
  const known = await admin({}, 'webhooks');
  const { page, context } = known;
  await page.getByText('No webhook yet').waitFor();
  await button(page, 'Add webhook').click();
  const adds = dialogOf(page, 'Add webhook');
  await adds.getByLabel('Address', { exact: true }).fill('ftp://nowhere.example');
  await adds.getByRole('button', { name: 'Add webhook' }).click();
  await adds.locator('[aria-invalid="true"]').waitFor();
  await shot(page, 'console-webhook-add');
  await assertSound(known, 'a webhook with a mistake');
  await adds.getByLabel('Address', { exact: true }).fill(takes.url);
  await adds.getByLabel('A connector was added').check();
  await adds.getByRole('button', { name: 'Add webhook' }).click();

  const secrets = [];
  const keep = async () => {
    const shown = dialogOf(page, 'Here is the secret');
    secrets.push(await shown.locator('code').textContent());
    await shown.getByRole('button', { name: 'I have stored it' }).click();
    await shown.waitFor({ state: 'detached' });
    assert.ok(!(await page.content()).includes(secrets.at(-1)), 'it is shown once');
  };
  await keep();
  await page.getByRole('heading', { level: 3, name: takes.url }).waitFor();
  await button(page, `Test ${takes.url}`).click();
  await page.getByText('The test arrived.').waitFor();
  await page.getByText(/^Last delivery .*: arrived$/).waitFor();
  const [tested] = takes.deliveries;
  new Webhook(secrets[0]).verify(tested.body, tested.headers);

  await button(page, `New secret for ${takes.url}`).click();
  await dialogOf(page, 'Make a new secret?').getByRole('button', { name: 'Make a new secret' }).click();
  await keep();
  assert.notEqual(secrets[0], secrets[1]);
  await button(page, `Disable ${takes.url}`).click();
  await page.getByText('Disabled', { exact: true }).waitFor();
  await button(page, `Enable ${takes.url}`).click();
  await button(page, `Test ${takes.url}`).waitFor();
  await shot(page, 'console-webhook');
  await assertSound(known, 'a webhook');

  await button(page, `Edit ${takes.url}`).click();
  const edits = dialogOf(page, 'Edit webhook');
  assert.equal(await edits.getByLabel('Address', { exact: true }).inputValue(), takes.url);
  assert.equal(await edits.getByLabel('A connector was added').isChecked(), true, 'as it is');
  await edits.getByLabel('A connector was added').uncheck();
  await edits.getByLabel('A connector was deleted').check();
  await edits.getByRole('button', { name: 'Save' }).click();
  await edits.waitFor({ state: 'detached' });
  await page.getByText('A connector was deleted', { exact: true }).waitFor();
  const [kept] = (await world.admin('GET', '/webhooks')).body.webhooks;
  assert.deepEqual(kept.events, ['connector.deleted']);

  await button(page, `Delete ${takes.url}`).click();
  await dialogOf(page, 'Delete this webhook?').getByRole('button', { name: 'Delete webhook' }).click();
  await page.getByText('No webhook yet').waitFor();
  assert.deepEqual((await world.admin('GET', '/webhooks')).body.webhooks, []);
  assert.deepEqual(known.complaints, []);
  await context.close();
  takes.close();
});

test('a webhook that takes nothing says what was answered', async () => {
  const refuses = await receiver(503);
  const made = await world.admin('POST', '/webhooks', { url: refuses.url });
  const known = await admin({}, 'webhooks');
  const { page, context } = known;
  await button(page, `Test ${refuses.url}`).click();
  await page.getByText('The test was not taken: HTTP 503.').waitFor();
  await page.getByText(/^Last delivery .*: HTTP 503$/).waitFor();
  await assertSound(known, 'a webhook that refuses');
  await context.close();
  await world.admin('DELETE', `/webhooks/${made.body.id}`);
  refuses.close();
});

test('the audit trail is checked, and what is wrong with it is said', async () => {
  const known = await admin({}, 'audit');
  const { page, context } = known;
  await button(page, 'Check').click();
  await page.getByText(/^Nothing is missing and nothing was changed: \d+ entries were checked\.$/).waitFor();
  await shot(page, 'console-audit-checked');
  await assertSound(known, 'a trail that is whole');
  const flaw = { what: 'altered', at: '2026-11-21T02:00:00Z' };
  await changed(page, '**/audit/verify', (found) => ({ ...found, intact: false, flaw }));
  await button(page, 'Check').click();
  await page.getByText('An entry is not what was written.').waitFor();
  await assertSound(known, 'a trail that is not');
  await context.close();
});

test('who is connected is seen to be switched off with its type, and to be back afterwards', async () => {
  const connector = await world.newConnector({ name: 'Switched' });
  await connect(connector, 'heidi');
  const known = await admin({}, 'policies');
  const { page, context } = known;
  const own = page.getByRole('switch', { name: 'Accounts of their own: A real authorization server' });
  const seen = async (state) => {
    await page.locator('.menu a[data-section="connectors"]').click();
    await page.getByRole('link', { name: 'Switched', exact: true }).click();
    await page.locator('.tabs').getByRole('link', { name: 'People', exact: true }).click();
    await page.getByText(state, { exact: true }).first().waitFor();
  };
  await own.click();
  await page.getByText('accounts of their own: off.').waitFor();
  await seen('Switched off');
  await shot(page, 'console-people-off');
  await assertSound(known, 'people who are switched off');
  await page.locator('.menu a[data-section="policies"]').click();
  await own.click();
  await page.getByText('on again, as it was').waitFor();
  await page.locator('.person').waitFor({ state: 'detached' });
  await seen('heidi');
  assert.equal(await page.getByText('Switched off', { exact: true }).count(), 0);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('what the plan does not have is said in words', async () => {
  const known = await admin({}, 'connectors', 'new', world.type);
  const { page, context } = known;
  const detail =
    'The plan `free` has 3 connectors at most, and the workspace has 3. What there is goes on working; another plan lets you add more.';
  await page.route('**/api/workspace/*/connectors', (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 402, json: { code: 'plan_required', detail, request_id: 'r-1' } })
      : route.fallback(),
  );
  await field(page, 'Client ID').fill('one-too-many');
  await button(page, 'Add connector').click();
  await page.getByText('Your plan does not have this.').waitFor();
  await page.getByText('The plan free has 3 connectors at most').waitFor();
  await shot(page, 'console-plan');
  await assertSound(known, 'a plan that is full');
  await context.close();
});

test('what apps may call is chosen, seen, and taken away again', async () => {
  const connector = await world.newConnector({ name: 'Ruled' });
  const known = await admin({}, 'connectors', connector.id, 'edit');
  const { page, context } = known;
  const rules = async () => (await world.admin('GET', `/connectors/${connector.id}`)).body.call_rules;
  await page.getByText('What apps may call', { exact: true }).click();
  for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE']) await field(page, method).uncheck();
  await field(page, 'Paths').fill('/events/../secrets');
  await button(page, 'Save').click();
  await page.locator('[aria-invalid="true"]').waitFor();
  assert.equal(await rules(), null, 'nothing is saved');
  await field(page, 'Paths').fill('/events\nPOST /calendars\n');
  await shot(page, 'console-rules');
  await assertSound(known, 'rules');
  await button(page, 'Save').click();
  await title(page, 'Ruled').waitFor();
  assert.deepEqual(await rules(), {
    methods: ['GET', 'POST'],
    paths: [{ prefix: '/events' }, { prefix: '/calendars', method: 'POST' }],
  });
  await page.getByText('POST /calendars', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Edit' }).click();
  assert.equal(await field(page, 'Paths').inputValue(), '/events\nPOST /calendars');
  assert.equal(await field(page, 'DELETE').isChecked(), false);
  for (const method of ['HEAD', 'PUT', 'PATCH', 'DELETE']) await field(page, method).check();
  await field(page, 'Paths').fill('');
  await button(page, 'Save').click();
  await title(page, 'Ruled').waitFor();
  assert.equal(await rules(), null);
  await context.close();
});

test('whether apps may use a connector while users are away is chosen when it is made and changed later', async () => {
  const known = await admin({}, 'connectors', 'new', world.type);
  const { page, context } = known;
  const away = page.getByRole('checkbox', { name: /^Apps may use it while the user is away/ });
  await field(page, 'Connector name').fill('Only while they watch');
  await field(page, 'Client ID').fill('client-of-the-watched');
  await field(page, 'Client secret').fill('canary-secret-of-the-watched');
  await page.getByRole('radio', { name: /^One account for the whole workspace/ }).check();
  assert.equal(await away.isVisible(), false, 'what all apps share has no user');
  await page.getByRole('radio', { name: /^Each person connects their own/ }).check();
  await away.uncheck();
  await page.getByText('What apps may call', { exact: true }).click();
  await field(page, 'DELETE').uncheck();
  await field(page, 'Paths').fill('no-slash');
  await button(page, 'Add connector').click();
  await page.locator('textarea[aria-invalid="true"]').waitFor();
  await field(page, 'Paths').fill('');
  await assertSound(known, 'a new connector with rules');
  await button(page, 'Add connector').click();
  await title(page, 'Only while they watch').waitFor();
  await page.getByText('Nobody gets a token', { exact: true }).waitFor();
  const id = page.url().split('/').at(-1);
  const stored = async () => (await world.admin('GET', `/connectors/${id}`)).body;
  const { offline_use: before, call_rules: rules } = await stored();
  assert.deepEqual([before, rules], [false, { methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH'] }]);
  await page.getByRole('link', { name: 'Edit' }).click();
  assert.equal(await away.isChecked(), false);
  await away.check();
  await button(page, 'Save').click();
  await page.getByText('Apps may use it', { exact: true }).waitFor();
  const { offline_use: after, call_rules: kept } = await stored();
  assert.deepEqual([after, kept], [true, rules]);
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${id}`);
});

test('everything that is in use is switched off at once, and on again', async () => {
  const connector = await world.newConnector({ name: 'Switched with all' });
  const known = await admin({}, 'policies');
  const { page, context } = known;
  const switches = page.getByRole('switch');
  const all = await switches.count();
  await button(page, 'Switch all off').click();
  await dialogOf(page, 'Switch everything off?').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.getByRole('switch', { checked: true }).count(), all, 'nothing was switched');
  await button(page, 'Switch all off').click();
  await assertSound(known, 'what is asked before');
  await dialogOf(page, 'Switch everything off?').getByRole('button', { name: 'Switch everything off' }).click();
  await page.getByText('Everything is off.').waitFor();
  assert.equal(await page.getByRole('switch', { checked: true }).count(), 0);
  await shot(page, 'console-policies-off');
  await assertSound(known, 'policies that are all off');
  await button(page, 'Switch all on').click();
  await dialogOf(page, 'Switch everything on?').getByRole('button', { name: 'Switch everything on' }).click();
  await page.getByText('Everything is on again, as it was.').waitFor();
  assert.equal(await page.getByRole('switch', { checked: true }).count(), all);
  const { governance } = (await world.admin('GET', '/connector-governance')).body;
  assert.ok(governance.every((one) => one.builder_connection_enabled && one.per_user_connection_enabled));
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('endpoints that moved are accepted after it was said to which hosts', async () => {
  const connector = await world.newConnector({ name: 'Moved' });
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  let isAccepted = false;
  await changed(page, `**/connectors/${connector.id}`, (found) => ({
    ...found,
    doctor: {
      checked_at: '2026-11-21T02:00:00Z',
      outdated: false,
      findings: isAccepted
        ? []
        : [
            {
              code: 'endpoint_moved',
              severity: 'warning',
              what: 'The issuer’s metadata no longer names https://old.example/token as its `token_endpoint`.',
              why: 'The old endpoint may be switched off.',
              what_to_do: '`PUT` something.',
            },
          ],
    },
  }));
  const details = { fields: 'token.url', hosts_before: 'old.example', hosts: 'new.example' };
  await changed(page, '**/audit*', (found) => ({
    ...found,
    events: [
      { ...found.events[0], action: 'connector.endpoints_moved', target: connector.id, details },
      ...found.events,
    ],
  }));
  await page.getByRole('link', { name: 'Moved', exact: true }).click();
  await page.getByText(/If it has, accept the new endpoints/).waitFor();
  await button(page, 'Accept the new endpoints').click();
  const asks = dialogOf(page, 'Accept the new endpoints?');
  await asks.getByText('old.example', { exact: true }).waitFor();
  await asks.getByText('new.example', { exact: true }).waitFor();
  await shot(page, 'console-moved');
  await assertSound(known, 'endpoints that moved');
  const asked = page.waitForRequest((request) => request.method() === 'PUT');
  isAccepted = true;
  await asks.getByRole('button', { name: 'Accept them' }).click();
  assert.deepEqual((await asked).postDataJSON(), { accept_endpoints: true });
  await page.getByText('The new endpoints are accepted.').waitFor();
  assert.equal(await button(page, 'Accept the new endpoints').count(), 0);
  const { revision } = (await world.admin('GET', `/connectors/${connector.id}`)).body;
  assert.equal(revision, connector.revision + 1, 'the API has taken it');
  assert.deepEqual(known.complaints, []);
  await context.close();
});

test('on a small screen the menu unfolds, leads on, and folds up', async () => {
  const known = await admin(SMALL, 'connectors');
  const { page, context } = known;
  const menu = button(page, 'Menu');
  assert.equal(await page.getByRole('link', { name: 'Webhooks', exact: true }).isVisible(), false);
  await menu.click();
  assert.equal(await menu.getAttribute('aria-expanded'), 'true');
  await shot(page, 'console-small-menu');
  await assertSound(known, 'the menu');
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await title(page, 'Webhooks').waitFor();
  assert.equal(await menu.getAttribute('aria-expanded'), 'false');
  await context.close();
});
