// The console in Chromium, as an admin uses it: with a mouse, without one, on a small screen, in the dark.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser } from '../harness/browser.mjs';
import { World } from '../harness/world.mjs';
import { launch, overflow, profile, shot, violations } from './chromium.mjs';

/** What a hostile or careless admin may call a connector. */
const MARKUP = '<img src=x onerror=alert(1)>';

const DARK = { colorScheme: 'dark' };
const SMALL = { viewport: { width: 320, height: 700 } };

let world;
let browser;

before(async () => {
  [world, browser] = await Promise.all([World.open(), launch()]);
});
after(async () => {
  await browser?.close();
  await world?.close();
});

const button = (page, name) => page.getByRole('button', { name, exact: true });
const title = (page, name) => page.getByRole('heading', { level: 1, name, exact: true });
const field = (page, label) => page.getByLabel(label, { exact: true });

/** A profile that is signed in, at a view below the workspace. */
async function admin(options, ...segments) {
  const known = await profile(browser, options);
  const { page } = known;
  const where = ['/console', world.product.dev.workspace_id, ...segments].join('/');
  await page.goto(world.product.base + where);
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.locator('#main:not([aria-busy]) h1').waitFor();
  return known;
}

/** Nothing complained, nothing is in anybody's way, nothing sticks out. */
async function assertSound({ page, complaints }, what) {
  assert.deepEqual(await violations(page), [], what);
  assert.equal(await overflow(page), 0, `${what} sticks out`);
  assert.deepEqual(complaints, [], what);
}

/** Connects `names` through the connector, each with an account of their own. */
async function connect(connector, ...names) {
  for (const name of names) {
    const user = { ...(await world.user(name)), browser: new Browser() };
    const begun = await world.initiate(user, connector, { browser: user.browser });
    await user.browser.approve(begun.body.redirect_url, { account: name });
    const { body } = await world.session(user, begun.body.session_id);
    assert.equal(body.status, 'completed', name);
  }
}

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
  await page.getByRole('link', { name: 'People' }).click();
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

/** Answers a route as the product does, with something changed. */
const changed = (page, url, change) =>
  page.route(url, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: change(await answer.json()) });
  });

test('a connector that is in trouble says what is wrong and what to do, and provider texts stay texts', async () => {
  const connector = await world.newConnector({ name: 'In trouble' });
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  const finding = (severity, what) => ({ code: 'x', severity, what, why: `Why: ${what}`, what_to_do: `Do: ${what}` });
  await changed(page, `**/connectors/${connector.id}`, (found) => ({
    ...found,
    health: { status: 'misconfigured', error: MARKUP, http_status: 401, since: '2026-11-20T10:00:00Z' },
    doctor: {
      checked_at: '2026-11-21T02:00:00Z',
      outdated: true,
      findings: [finding('error', 'The redirect URI is not registered'), finding('info', MARKUP)],
    },
  }));
  await page.locator('.menu a[data-section="health"]').click();
  await title(page, 'Health').waitFor();
  await page
    .getByText('1 connector needs a look.')
    .or(page.getByText(/connectors need a look/))
    .waitFor();
  await page.getByRole('link', { name: 'In trouble' }).click();
  await title(page, 'In trouble').waitFor();
  for (const text of ['The provider does not accept the client', 'Do: The redirect URI is not registered'])
    await page.getByText(text).waitFor();
  await page.getByText('Client refused', { exact: true }).waitFor();
  await page.getByText(/^Examined .*, before the last change\.$/).waitFor();
  assert.equal(await page.locator('#main img').count(), 0);
  await assertSound(known, 'a connector in trouble');
  await shot(page, 'console-trouble');
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
  assert.equal(await page.getByLabel('account').count(), 0, 'what the provider tells is not asked for');
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

test('without a mouse: from signing in to a deleted connector', async () => {
  const connector = await world.newConnector({ name: 'By keyboard' });
  const known = await profile(browser);
  const { page, context } = known;
  await page.goto(`${world.product.base}/console`);
  const focused = () =>
    page.evaluate(() => document.activeElement.textContent || document.activeElement.labels?.[0]?.textContent);
  /** Presses Tab until something of this name has the focus. */
  const reach = async (name) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if ((await focused()) === name) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`${name} can't be reached by Tab`);
  };
  await reach('Workspace ID');
  await page.keyboard.type(world.product.dev.workspace_id);
  await page.keyboard.press('Tab');
  await page.keyboard.type(world.adminKey);
  await page.keyboard.press('Enter');
  await title(page, 'Connectors').waitFor();
  assert.equal(await focused(), 'Connectors', 'who can’t see is told where they are');
  await reach('By keyboard');
  await page.keyboard.press('Enter');
  await title(page, 'By keyboard').waitFor();
  await reach('Delete connector');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'Delete connector', 'the focus goes back');
  await page.keyboard.press('Enter');
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await title(page, 'Connectors').waitFor();
  assert.equal((await world.admin('GET', `/connectors/${connector.id}`)).status, 404);
  assert.deepEqual(known.complaints, []);
  await context.close();
});

const VIEWS = [
  ['connectors', 'Connectors'],
  ['health', 'Health'],
  ['providers', 'Custom providers'],
  ['apps', 'Apps'],
  ['keys', 'Admin keys'],
  ['webhooks', 'Webhooks'],
  ['audit', 'Audit'],
];

for (const [name, options] of [
  ['dark', DARK],
  ['light', {}],
  ['small', SMALL],
  ['small-dark', { ...SMALL, ...DARK }],
])
  test(`every view is sound: ${name}`, async () => {
    const known = await admin(options, 'connectors', 'new', 'googlecalendar');
    const { page, context } = known;
    await assertSound(known, 'add');
    await shot(page, `console-${name}-add`);
    for (const [section, text] of VIEWS) {
      await page.locator(`.menu a[data-section="${section}"]`).click();
      await title(page, text).waitFor();
      await page.locator('#main:not([aria-busy])').waitFor();
      await assertSound(known, section);
      await shot(page, `console-${name}-${section}`);
    }
    await page.locator('.menu a[data-section="apps"]').click();
    await page.getByRole('link', { name: 'Calendar app' }).click();
    await title(page, 'Calendar app').waitFor();
    await assertSound(known, 'an app');
    await shot(page, `console-${name}-app`);
    await context.close();
  });

/** One visit by somebody who was never here: bytes, files, milliseconds to the first paint, and how much moved. */
async function firstVisit() {
  const { page, context } = await profile(browser);
  const sizes = new Map();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength));
  await page.addInitScript(() => {
    globalThis.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.shifts += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(`${world.product.base}/console`, { waitUntil: 'networkidle' });
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  const moved = await page.evaluate(() => globalThis.shifts);
  await context.close();
  return { bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0), files: sizes.size, paint, moved };
}

test('the page is light with all of its views, and shows itself at once without moving', async () => {
  const visits = [await firstVisit(), await firstVisit(), await firstVisit()];
  const [{ bytes, files, paint, moved }] = visits.toSorted((a, b) => a.paint - b.paint);
  console.log(`console: ${bytes} bytes in ${files} files, first paint after ${Math.round(paint)} ms, moved ${moved}`);
  assert.ok(files > 20, 'every view was fetched');
  assert.ok(bytes < 66_000, `${bytes} bytes`);
  assert.ok(paint < 300, `${paint} ms`);
  assert.ok(moved < 0.01, `${moved}`);
});
