// connect.js in Chromium: on an app's own pages, under the strict binding, with and without the unmodified SDK.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, profile, shot } from './chromium.mjs';
import {
  DARK,
  SMALL,
  at,
  browser,
  button,
  calendar,
  connect,
  elsewhere,
  isConnected,
  linkFor,
  statusOf,
  world,
} from './connect-world.mjs';

const told = (page) => page.locator('#told');

test('a page of another origin connects by redirect: connect.js finishes, and the handle is gone from the address', async () => {
  const known = await at('/elements', 'ada');
  const { page } = known;
  await connect(page).waitFor();
  await shot(page, 'connect-js-1-list');
  await connect(page).click();
  await button(page, 'Allow').click();
  await isConnected(page);
  await page.getByText('Demo Calendar is connected.').waitFor();
  assert.equal(page.url(), `${elsewhere.origin}/elements`);
  assert.equal(await page.evaluate('window.atImport'), page.url(), 'clean before the app’s own code runs');
  assert.deepEqual((await page.evaluate('window.told'))[0].slice(0, 2), ['connected', calendar]);
  await shot(page, 'connect-js-2-connected');
  await assertSound(known, 'the list of connectors');
  await button(page, 'Disconnect: Demo Calendar').click();
  await assertSound(known, 'the question before disconnecting');
  await button(page, 'Disconnect').click();
  await connect(page).waitFor();
  assert.equal(await statusOf('/elements', 'ada'), 'disconnected');
  await known.context.close();
});

test('the same in a popup, which closes itself; the page stays where it is', async () => {
  const known = await at('/elements/popup', 'ada');
  const { context, page } = known;
  const [popup] = await Promise.all([context.waitForEvent('page'), connect(page).click()]);
  await page.getByText('Go on in the window that opened.').waitFor();
  await button(popup, 'Allow').waitFor();
  const closed = popup.waitForEvent('close');
  assert.equal(await popup.evaluate('opener'), null, 'the provider’s page can’t reach back');
  await button(popup, 'Allow').click();
  await closed;
  await isConnected(page);
  assert.equal((await page.evaluate('window.told'))[0][0], 'connected');
  await assertSound(known, 'after the popup');
  await context.close();
});

test('a popup that is denied, or closed, leaves everything as it was and says so', async () => {
  const { context, page } = await at('/elements/popup', 'denise');
  const open = async () => (await Promise.all([context.waitForEvent('page'), connect(page).click()]))[0];
  await button(await open(), 'Deny').click();
  await page.getByText('You didn’t allow access').waitFor();
  const second = await open();
  await button(second, 'Allow').waitFor();
  await second.close();
  await page.locator('button[aria-disabled]').waitFor({ state: 'detached' });
  assert.equal(await statusOf('/elements/popup', 'denise'), 'disconnected');
  await context.close();
});

test('a popup that the browser blocks becomes a redirect', async () => {
  const known = await at('/elements/popup', 'blocked');
  const { page } = known;
  await page.evaluate(() => (window.open = () => null));
  await connect(page).click();
  await button(page, 'Allow').click();
  await isConnected(page);
  assert.deepEqual(known.complaints, []);
  await known.context.close();
});

test('somebody else who is signed in when it comes back is not connected, and told', async () => {
  const { context, page } = await at('/elements', 'began');
  await connect(page).click();
  // Not before it was begun in the name of who was there.
  await button(page, 'Allow').waitFor();
  await context.addCookies([{ name: 'user', value: 'other', url: elsewhere.origin }]);
  await button(page, 'Allow').click();
  await page.getByText('Somebody else is signed in here').waitFor();
  for (const user of ['began', 'other']) assert.equal(await statusOf('/elements', user), 'disconnected');
  await context.close();
});

test('the way home of somebody else’s attempt binds nothing, even with a handle that works', async () => {
  const { connect_url: url } = await linkFor('alice');
  const mallory = await profile(browser);
  const callback = mallory.page.waitForResponse((answer) => answer.url().includes('/api/external-auth/callback/'));
  await mallory.page.goto(url);
  await mallory.page.route(`${elsewhere.origin}/**`, (route) => route.abort());
  await button(mallory.page, 'Continue to Demo Calendar').click();
  await button(mallory.page, 'Allow').click();
  const wayHome = (await callback).headers().location;
  assert.match(wayHome, /status=awaiting_finish#handle=./);
  const alice = await at('/elements', 'alice');
  await connect(alice.page).waitFor();
  await alice.page.goto(wayHome);
  await alice.page.getByText('This was begun somewhere else').waitFor();
  assert.equal(alice.page.url(), `${elsewhere.origin}/elements`);
  assert.equal(await statusOf('/elements', 'alice'), 'disconnected');
  for (const { context } of [mallory, alice]) await context.close();
});

test('two users in two browsers never see each other’s connections', async () => {
  const [one, two] = [await at('/elements', 'una'), await at('/elements', 'duo')];
  await connect(one.page).click();
  await button(one.page, 'Allow').click();
  await isConnected(one.page);
  await two.page.reload();
  await connect(two.page).waitFor();
  assert.equal(await two.page.getByText('robin@calendar.example').count(), 0);
  for (const { context } of [one, two]) await context.close();
});

test('whoever signs in next without a reload sees their own, and not what was there before', async () => {
  const { context, page } = await at('/elements', 'early');
  await connect(page).click();
  await button(page, 'Allow').click();
  await isConnected(page);
  await context.addCookies([{ name: 'user', value: 'next', url: elsewhere.origin }]);
  const { id } = elsewhere.apps['/elements'];
  await page.evaluate(
    async ([script, app]) => {
      const { configure, list } = await import(script);
      configure({ app, getToken: async () => (await fetch(`/token?app=${app}`)).text() });
      window.listed = await list();
    },
    [`${world.product.base}/connect.js`, id],
  );
  await connect(page).waitFor();
  assert.equal(await page.getByText('robin@calendar.example').count(), 0);
  const listed = await page.evaluate('window.listed');
  assert.equal(listed.find((one) => one.connector_id === calendar).status, 'disconnected');
  assert.equal(await statusOf('/elements', 'early'), 'active');
  await context.close();
});

test('an older answer that comes later does not take back what is shown', async () => {
  const { context, page } = await at('/elements', 'late');
  await connect(page).waitFor();
  let release;
  const released = new Promise((go) => (release = go));
  const asked = new Promise((isAsked) => {
    const hold = async (route) => {
      const answer = await route.fetch();
      isAsked();
      await released;
      await route.fulfill({ response: answer });
    };
    page.route('**/app-user-auth/connectors', hold, { times: 1 });
  });
  await page.evaluate(() => {
    window.older = window.connectors.list({ fresh: true });
    window.connectors.dispatchEvent(new Event('change'));
  });
  await asked;
  const other = await context.newPage();
  await other.goto(`${elsewhere.origin}/elements`);
  await connect(other).click();
  await button(other, 'Allow').click();
  await isConnected(page);
  release();
  await page.evaluate('window.older');
  assert.equal(await page.getByText('Connected as robin@calendar.example').count(), 1);

  await button(page, 'Disconnect: Demo Calendar').click();
  await page.evaluate(async () => {
    window.connectors.dispatchEvent(new Event('change'));
    await window.connectors.list();
  });
  assert.equal(await page.getByRole('dialog').count(), 1, 'a question stays until it is answered');
  await button(page, 'Disconnect').click();
  await connect(page).waitFor();
  await context.close();
});

test('without a mouse: connect, and disconnect with the question in between', async () => {
  const { context, page } = await at('/elements', 'keys');
  await connect(page).waitFor();
  const reach = async (name) => {
    for (let tabs = 0; tabs < 30; tabs += 1) {
      const focused = await page.evaluate(() => {
        let element = document.activeElement;
        while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
        return element?.getAttribute('aria-label') ?? element?.textContent?.trim();
      });
      if (focused === name) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`the keyboard does not reach ${name}`);
  };
  await reach('Connect Demo Calendar');
  await page.keyboard.press('Enter');
  await button(page, 'Allow').press('Enter');
  await isConnected(page);
  await reach('Disconnect: Demo Calendar');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await reach('Disconnect: Demo Calendar');
  await page.keyboard.press('Enter');
  await reach('Disconnect');
  await page.keyboard.press('Enter');
  await connect(page).waitFor();
  await context.close();
});

test('from right to left, in the dark, and at 320 px', async () => {
  const hebrew = await at('/elements', 'dov', { query: '?lang=he', ...DARK, ...SMALL });
  await hebrew.page.getByText('לא מחובר').first().waitFor();
  await assertSound(hebrew, 'Hebrew');
  const direction = await hebrew.page
    .locator('user-connectors .item')
    .first()
    .evaluate((row) => getComputedStyle(row).direction);
  assert.equal(direction, 'rtl');
  await shot(hebrew.page, 'connect-js-3-hebrew-dark-320');
  await hebrew.context.close();
  for (const [lang, sentence] of [
    ['de', 'Nicht verbunden'],
    ['es', 'Sin conectar'],
    ['ja', '未接続'],
  ]) {
    const { context, page } = await at('/elements', 'dov', { query: `?lang=${lang}` });
    await page.getByText(sentence).first().waitFor();
    await context.close();
  }
});

test('the unmodified SDK with connect.js beside it connects by redirect and by popup, under the strict binding', async () => {
  const { context, page, complaints } = await at('/sdk', 'sdk');
  await page.locator('[data-ready]').waitFor();
  await page.locator('#connect').click();
  await button(page, 'Allow').click();
  await told(page).getByText('Connected.').waitFor();
  assert.equal(await statusOf('/sdk', 'sdk'), 'active');
  await page.locator('[data-ready]').waitFor();
  await page.locator('#disconnect').click();
  await told(page).getByText('Disconnected.').waitFor();

  const [popup] = await Promise.all([context.waitForEvent('page'), page.locator('#popup').click()]);
  const closed = popup.waitForEvent('close');
  await button(popup, 'Allow').click();
  await closed;
  await told(page).getByText('Connected.').waitFor();
  assert.equal(await statusOf('/sdk', 'sdk'), 'active');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('without connect.js the session waits to be finished, and the page says what the app must add', async () => {
  const { context, page } = await at('/bare', 'bare');
  await page.locator('[data-ready]').waitFor();
  await page.locator('#connect').click();
  await button(page, 'Allow').click();
  await told(page).getByText('load connect.js on the page').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('status'), 'awaiting_finish');
  assert.equal(await statusOf('/bare', 'bare'), 'disconnected');
  const session = new URL(page.url()).searchParams.get('session_id');
  const { body } = await world.session(await world.user('bare', elsewhere.apps['/bare']), session);
  assert.equal(body.status, 'awaiting_finish');
  assert.match(body.detail, /connect\.js/);
  await context.close();
});
