// connect.js and the page of a link in Chromium: an app on an origin of its own, under the strict binding, with and
// without the unmodified SDK; popups, links, everything that goes wrong.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { AppElsewhere } from '../harness/app-elsewhere.mjs';
import { World } from '../harness/world.mjs';
import { launch, overflow, profile, shot, violations } from './chromium.mjs';

const DARK = { colorScheme: 'dark' };
const SMALL = { viewport: { width: 320, height: 640 } };
const MARKUP = '<img src=x onerror=alert(1)>';
const PATHS = ['/elements', '/elements/popup', '/sdk', '/bare'];

let world;
let elsewhere;
let browser;
let calendar;

before(async () => {
  [world, browser] = await Promise.all([World.open(), launch()]);
  elsewhere = await AppElsewhere.start(world);
  elsewhere.connectorId = calendar = world.product.dev.connector_id;
  for (const path of PATHS) await elsewhere.register(path);
});
after(async () => {
  await browser?.close();
  await elsewhere?.close();
  await world?.close();
});

const button = (page, name) => page.getByRole('button', { name, exact: true });
const told = (page) => page.locator('#told');

/** A signed-in user at a page of the app elsewhere. */
async function at(path, user, { query = '', ...options } = {}) {
  const known = await profile(browser, options);
  await known.context.addCookies([{ name: 'user', value: user, url: elsewhere.origin }]);
  await known.page.goto(elsewhere.origin + path + query);
  return known;
}

/** How the demo calendar stands for a user of the app of this page. */
async function statusOf(path, user) {
  const { body } = await world.state(await world.user(user, elsewhere.apps[path]), { id: calendar });
  return body.status;
}

async function assertSound({ page, complaints }, what) {
  assert.deepEqual(await violations(page), [], what);
  assert.equal(await overflow(page), 0, `${what} sticks out`);
  assert.deepEqual(complaints, [], what);
}

const connect = (page) => button(page, 'Connect Demo Calendar');
const isConnected = (page) => page.getByText('Connected as robin@calendar.example').waitFor();

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

// ---- The page of a link.

async function linkFor(user, { connector = calendar, path = '/elements', ...wishes } = {}) {
  const app = elsewhere.apps[path];
  const json = { user: { sub: user }, connector_id: connector, ...wishes };
  const answer = await world.api.post(`${app.path}/connect-sessions`, { key: app.key, json });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name });
const bare = (text) => new RegExp(text.replaceAll(/[.?]/g, '\\$&'));

test('a link says who asks for what, leads to the provider and back, and connect.js finishes it', async () => {
  const { connect_url: url } = await linkFor('lina');
  for (const [name, options] of Object.entries({ light: {}, dark: DARK, small: SMALL })) {
    const { connect_url } = await linkFor('lina');
    const known = await profile(browser, options);
    await known.page.goto(connect_url);
    await heading(known.page, bare('Connect Demo Calendar')).waitFor();
    await shot(known.page, `link-1-${name}`);
    await assertSound(known, `the page of a link, ${name}`);
    await known.context.close();
  }
  const { context, page } = await at('/elements', 'lina');
  await connect(page).waitFor();
  await page.evaluate((address) => window.connectors.expect(address), url);
  await page.goto(url);
  await page.getByText('See the events in your calendar').waitFor();
  await button(page, 'Continue to Demo Calendar').click();
  await button(page, 'Allow').click();
  await isConnected(page);
  assert.equal(page.url(), `${elsewhere.origin}/elements`);
  await context.close();
});

test('a link that the app trusts shows the account and disconnects it', async () => {
  const user = await world.user('mara', elsewhere.apps['/elements']);
  await at('/elements', 'mara').then(async ({ context, page }) => {
    await connect(page).click();
    await button(page, 'Allow').click();
    await isConnected(page);
    await context.close();
  });
  const { connect_url: url } = await linkFor('mara', { manage: true });
  const known = await profile(browser, {});
  const { page } = known;
  await page.goto(url);
  await page.getByText('Connected as robin@calendar.example').waitFor();
  await shot(page, 'link-2-connected');
  await assertSound(known, 'a link that shows the account');
  const other = await profile(browser, DARK);
  await other.page.goto(url);
  await heading(other.page, 'This link was opened in another browser').waitFor();
  await shot(other.page, 'link-3-elsewhere-dark');
  await assertSound(other, 'a link that was opened elsewhere');
  await button(page, 'Disconnect').click();
  await shot(page, 'link-4-confirm');
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await heading(page, bare('Demo Calendar is disconnected')).waitFor();
  await shot(page, 'link-5-disconnected');
  await assertSound(known, 'after disconnecting by a link');
  assert.equal((await world.state(user, { id: calendar })).body.status, 'disconnected');
  const back = new URL(await page.getByRole('link').getAttribute('href'));
  assert.equal(back.origin + back.pathname, `${elsewhere.origin}/elements`);
  await known.context.addCookies([{ name: 'user', value: 'mara', url: elsewhere.origin }]);
  await page.getByRole('link').click();
  await page.getByText('Demo Calendar is disconnected.').waitFor();
  for (const { context } of [known, other]) await context.close();
});

test('a link in a popup tells the page that opened it, of a registered origin and no other, and closes', async () => {
  const { context, page } = await at('/elements', 'pia');
  await connect(page).waitFor();
  const { connect_url: url, session_id: session } = await linkFor('pia');
  const [popup] = await Promise.all([
    context.waitForEvent('page'),
    page.evaluate((address) => {
      window.heard = new Promise((resolve) => {
        addEventListener('message', ({ data, origin }) => resolve({ data, origin }));
      });
      window.open(address, '_blank', 'popup,width=480,height=720');
    }, url),
  ]);
  await button(popup, 'Not now').waitFor();
  await shot(popup, 'link-6-popup');
  const closed = popup.waitForEvent('close');
  await button(popup, 'Not now').click();
  await closed;
  const { data, origin } = await page.evaluate('window.heard');
  assert.deepEqual([data, origin], [{ session_id: session, status: 'denied' }, world.product.base]);
  await context.close();
});

test('a link that is over, and one that never was, say what to do', async () => {
  const { connect_url: url } = await linkFor('olga');
  const known = await profile(browser, {});
  const { page } = known;
  await page.goto(url);
  await button(page, 'Not now').click();
  await heading(page, 'Nothing was connected').waitFor();
  await shot(page, 'link-7-declined');
  for (const address of [url, `${world.product.base}/connect/nonsense`]) {
    await page.goto(address);
    await heading(page, 'This link can’t be used any more').waitFor();
  }
  await shot(page, 'link-8-expired');
  await assertSound(known, 'a link that is over');
  await known.context.close();
});

test('PUB-58: what a connector is called is text, in the list and on the page of a link', async () => {
  const made = await world.newConnector({ name: MARKUP });
  const { connect_url: url } = await linkFor('mallory', { connector: made.id });
  const known = await profile(browser);
  await known.page.goto(url);
  await heading(known.page, `Connect ${MARKUP}`).waitFor();
  assert.deepEqual(known.complaints, []);
  await known.context.close();
  const list = await at('/elements', 'mallory');
  await list.page.getByText(MARKUP).first().waitFor();
  assert.deepEqual(list.complaints, []);
  await list.context.close();
  await world.admin('DELETE', `/connectors/${made.id}`);
});

test('the page of a link in Hebrew runs from right to left', async () => {
  const { connect_url: url } = await linkFor('noa');
  const known = await profile(browser, { locale: 'he-IL', ...SMALL });
  await known.page.goto(url);
  await heading(known.page, /חיבור/).waitFor();
  assert.equal(await known.page.evaluate('document.documentElement.dir'), 'rtl');
  await shot(known.page, 'link-9-hebrew-320');
  await assertSound(known, 'the page of a link in Hebrew');
  await known.context.close();
});

test('the pages are light, quick and stand still', async () => {
  const { connect_url: url } = await linkFor('tempo');
  for (const address of [url, `${elsewhere.origin}/elements`]) {
    const { context, page } = await at('/elements', 'tempo');
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.addInitScript(() => {
      window.shift = 0;
      new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => (window.shift += value))).observe({
        type: 'layout-shift',
        buffered: true,
      });
    });
    await page.goto(address, { waitUntil: 'networkidle' });
    const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
    const shift = await page.evaluate('window.shift');
    console.log(
      `${new URL(address).pathname.slice(0, 9)}: ${bytes} bytes, first paint ${Math.round(paint)} ms, shift ${shift}`,
    );
    assert.ok(bytes < 60_000, `${bytes} bytes`);
    assert.ok(shift < 0.1, `shift of ${shift}`);
    await context.close();
  }
});

test('PUB-52: what the callback refuses is a page of the same look that runs nothing', async () => {
  const connector = world.product.dev.connector_id;
  for (const [name, options] of Object.entries({ light: {}, 'dark-320': { ...DARK, ...SMALL } })) {
    const known = await profile(browser, options);
    const answer = await known.page.goto(
      `${world.product.base}/api/external-auth/callback/${connector}?error=x&error_description=${encodeURIComponent(MARKUP)}&state=x`,
    );
    assert.equal(answer.status(), 400);
    assert.equal(answer.headers()['referrer-policy'], 'no-referrer');
    assert.equal((await known.page.content()).includes('onerror'), false);
    await shot(known.page, `callback-refused-${name}`);
    assert.equal(await overflow(known.page), 0);
    assert.deepEqual(await violations(known.page), []);
    await known.context.close();
  }
});
