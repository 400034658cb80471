// The page of a link in Chromium: as a page, in a popup, in the dark, from right to left, and when it is over.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, profile, shot } from './chromium.mjs';
import {
  DARK,
  MARKUP,
  SMALL,
  at,
  browser,
  button,
  calendar,
  connect,
  elsewhere,
  heading,
  isConnected,
  linkFor,
  world,
} from './connect-world.mjs';

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

test('a link in a popup tells nothing to a page of an origin that is not registered', async () => {
  const { connect_url: url } = await linkFor('pia');
  const { context, page } = await profile(browser);
  await page.goto(`${world.idp.issuer}/.well-known/openid-configuration`);
  const [popup] = await Promise.all([
    context.waitForEvent('page'),
    page.evaluate((address) => {
      window.heard = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data)));
      window.open(address, '_blank', 'popup,width=480,height=720');
    }, url),
  ]);
  await button(popup, 'Not now').waitFor();
  await popup.evaluate(() => (window.close = () => {}));
  await button(popup, 'Not now').click();
  await heading(popup, 'Nothing was connected').waitFor();
  // Messages come in the order in which they are sent: if this one is the first, nothing was sent before it.
  await popup.evaluate(() => window.opener.postMessage('the first', '*'));
  assert.equal(await page.evaluate('window.heard'), 'the first');
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

test('what the workspace has switched off is said to be off, with no button to press in vain, until it is back', async () => {
  const { integration_type: type } = (await world.admin('GET', `/connectors/${calendar}`)).body;
  const allow = async (isOn) => {
    const json = { integration_type: type, per_user_connection_enabled: isOn };
    assert.equal((await world.admin('PUT', '/connector-governance', json)).status, 200);
  };
  const { connect_url: url } = await linkFor('otto');
  const known = await at('/elements', 'otto');
  const { page, context } = known;
  await connect(page).waitFor();
  await allow(false);
  await connect(page).click();
  await page.getByText('This is switched off for now. What is connected is kept.').waitFor();
  await page.reload();
  await page.getByText('Switched off for now', { exact: true }).waitFor();
  assert.equal(await connect(page).count(), 0);
  await shot(page, 'connect-js-4-off');
  await assertSound(known, 'a connector that is switched off');
  await page.goto(url);
  await button(page, 'Continue to Demo Calendar').click();
  await heading(page, 'This is switched off for now').waitFor();
  await shot(page, 'link-10-off');
  await assertSound(known, 'a link to what is switched off');
  await allow(true);
  await page.goto(`${elsewhere.origin}/elements`);
  await connect(page).waitFor();
  await context.close();
});
