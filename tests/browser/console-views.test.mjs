// Every view of the console: in both themes, on a small screen, without a mouse; and what it tells of health.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, profile, shot } from './chromium.mjs';
import {
  DARK,
  MARKUP,
  SMALL,
  admin,
  browser,
  button,
  changed,
  connect,
  field,
  title,
  world,
} from './console-world.mjs';

/** What a doctor may have found. */
const ENDPOINT_GONE = {
  checked_at: '2026-11-21T02:00:00Z',
  outdated: false,
  findings: [
    {
      code: 'endpoint_unreachable',
      severity: 'error',
      what: 'Nothing answers at the token endpoint',
      why: 'Tokens can’t be refreshed.',
      what_to_do: 'Write to the people who run it.',
    },
  ],
};

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

test('health shows first what is to be done, with what to do, and when refreshes are due', async () => {
  const [broken, lost] = [
    await world.newConnector({ name: 'Broken' }),
    await world.newConnector({ name: 'Lost people' }),
  ];
  await connect(broken, 'frank');
  await connect(lost, 'grace');
  await world.admin('PUT', `/connectors/${lost.id}`, { scopes: [...lost.scopes, 'calendar.write'] });
  for (const [name, options] of [
    ['light', {}],
    ['small-dark', { ...SMALL, ...DARK }],
  ]) {
    const known = await profile(browser, options);
    const { page, context } = known;
    await changed(page, '**/api/workspace/*/health', ({ connectors, due, ...rest }) => ({
      ...rest,
      connectors: connectors.map((one) =>
        one.connector_id === broken.id ? { ...one, findings: { errors: 1, warnings: 0 } } : one,
      ),
      due: { ...due, buckets: due.buckets.map((one) => (one.label === 'late' ? { ...one, count: 3 } : one)) },
    }));
    await changed(page, `**/api/workspace/*/connectors/${broken.id}`, (found) => ({ ...found, doctor: ENDPOINT_GONE }));
    await page.goto([world.product.base, 'console', world.product.dev.workspace_id, 'health'].join('/'));
    await field(page, 'Admin key').fill(world.adminKey);
    await button(page, 'Sign in').click();
    await title(page, 'Health').waitFor();
    await page.getByText('Write to the people who run it.').waitFor();
    const order = await page.getByRole('heading', { level: 2 }).allTextContents();
    const place = (text) => order.findIndex((one) => one === text);
    assert.ok(place('Broken') < place('Lost people') && place('Lost people') < place('Nothing to do'), order.join());
    await page.getByText('1 connection: 1 waits for somebody to connect again.').waitFor();
    await page.getByRole('row', { name: /^Late by more than 10 minutes 3$/ }).waitFor();
    await page.getByText(/^The schedule is behind\./).waitFor();
    await assertSound(known, 'health');
    await shot(page, `console-health-${name}`);
    await context.close();
  }
  for (const { id } of [broken, lost]) await world.admin('DELETE', `/connectors/${id}`);
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
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await focused(), 'Delete connector', 'the focus goes back');
  await page.keyboard.press('Enter');
  // What is typed goes to where the focus is.
  await page.getByRole('dialog').getByRole('textbox').waitFor();
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await title(page, 'Connectors').waitFor();
  assert.equal((await world.admin('GET', `/connectors/${connector.id}`)).status, 404);
  assert.deepEqual(known.complaints, []);
  await context.close();
});

test('a part of the console that does not arrive says so, and comes when it can', async () => {
  const known = await admin({}, 'connectors');
  const { page, context } = known;
  const isOfWebhooks = /\/assets\/console-webhooks-/;
  await page.route(isOfWebhooks, (route) => route.abort());
  await page.locator('.menu a[data-section="webhooks"]').click();
  await page.getByText('This part of the console could not be loaded').waitFor();
  assert.doesNotMatch(await page.locator('#main').innerText(), /module|assets/);
  await page.unroute(isOfWebhooks);
  await button(page, 'Try again').click();
  await title(page, 'Webhooks').waitFor();
  await context.close();
});

test('the audit trail is printed without what leads elsewhere', async () => {
  const known = await admin({}, 'audit');
  const { page, context } = known;
  await page.locator('#main .event').first().waitFor();
  await page.emulateMedia({ media: 'print' });
  for (const hidden of ['.menu', '.top', '#main button'])
    assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
  assert.ok(await page.locator('#main .event').first().isVisible());
  await shot(page, 'console-audit-print');
  await context.close();
});

test('once somebody has connected, nobody is told that nobody has', async () => {
  const connector = await world.newConnector({ name: 'Just connected' });
  const { page, context } = await admin({}, 'connectors', connector.id);
  const nobody = page.getByText('Nobody has connected yet');
  await button(page, 'Examine now')
    .click()
    .then(() => nobody.waitFor());
  await connect(connector, 'heidi');
  await page.locator('.menu a[data-section="connectors"]').click();
  await page.getByRole('link', { name: 'Just connected' }).click();
  await title(page, 'Just connected').waitFor();
  await page.getByText('1 person').waitFor();
  assert.equal(await nobody.count(), 0);
  await context.close();
});

const VIEWS = [
  ['connectors', 'Connectors'],
  ['people', 'People'],
  ['apps', 'Apps'],
  ['health', 'Health'],
  ['audit', 'Audit'],
  ['workspace', 'Workspace'],
  ['policies', 'Policies'],
  ['webhooks', 'Webhooks'],
  ['sign-in', 'Sign-in'],
  ['keys', 'Admin keys'],
  ['providers', 'Custom providers'],
  ['revocations', 'End connections'],
];

/** Goes to a view by the menu, which small screens fold up. */
async function goTo(page, section) {
  const unfold = button(page, 'Menu');
  if (await unfold.isVisible()) await unfold.click();
  await page.locator(`.menu a[data-section="${section}"]`).click();
}

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
      await goTo(page, section);
      await title(page, text).waitFor();
      await page.locator('#main:not([aria-busy])').waitFor();
      await assertSound(known, section);
      await shot(page, `console-${name}-${section}`);
    }
    await goTo(page, 'apps');
    await page.getByRole('link', { name: 'Calendar app' }).click();
    await title(page, 'Calendar app').waitFor();
    await assertSound(known, 'an app');
    await shot(page, `console-${name}-app`);
    await context.close();
  });
