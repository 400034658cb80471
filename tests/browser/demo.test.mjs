// Chromium on Planner, as the README tells a newcomer to do it: connect, consent, use, disconnect.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Product } from '../harness/product.mjs';
import { button, launch, overflow, profile, shot, violations } from './chromium.mjs';

let product;
let browser;

before(async () => {
  [product, browser] = await Promise.all([Product.start(), launch()]);
});
after(async () => {
  await browser?.close();
  await product?.stop();
});

const connect = (page) => button(page, 'Connect Demo Calendar');
const connected = (page) => page.getByText('Connected as');

async function open(options, user) {
  const known = await profile(browser, options);
  await known.page.addInitScript((name) => name && sessionStorage.setItem('user', name), user);
  await known.page.goto(product.base);
  await connect(known.page).waitFor();
  return known;
}

test('a newcomer connects the demo account, sees its events and disconnects', async () => {
  const { context, page, complaints } = await open({ viewport: { width: 1200, height: 900 } });
  await page.locator('#week li').first().waitFor();
  await shot(page, 'demo-1-not-connected');
  assert.deepEqual(await violations(page), []);

  await connect(page).click();
  await page.waitForURL(/\/demo-provider\/authorize/);
  const bound = (await context.cookies(product.base)).filter(({ name }) => name.startsWith('__Host-'));
  assert.equal(bound.length, 1, 'Chromium kept the binding cookie over plain http on localhost');
  assert.deepEqual([bound[0].secure, bound[0].httpOnly, bound[0].path], [true, true, '/']);
  await shot(page, 'demo-2-consent');

  await button(page, 'Allow').click();
  await connected(page).waitFor();
  assert.equal(new URL(page.url()).search, '', 'the address is clean again');
  await page.getByText('From the calendar of').waitFor();
  await page.getByText('Lunch with Priya').or(page.getByText('Dentist')).first().waitFor();
  await page
    .getByText('Demo Calendar is connected.', { exact: false })
    .or(page.getByText('is connected.'))
    .first()
    .waitFor();
  await shot(page, 'demo-3-connected');
  assert.deepEqual(await violations(page), []);

  await button(page, 'Disconnect: Demo Calendar').click();
  await shot(page, 'demo-4-confirm');
  assert.deepEqual(await violations(page), []);
  await button(page, 'Disconnect').click();
  await connect(page).waitFor();
  await page.getByText('Everything looks free').waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a newcomer who denies is told so and stays disconnected, on a small screen in the dark', async () => {
  const { context, page, complaints } = await open({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
  await connect(page).click();
  await button(page, 'Deny').click();
  await page.getByText('You didn’t allow access').waitFor();
  await connect(page).waitFor();
  assert.equal(await overflow(page), 0, 'nothing sticks out at 320 px');
  assert.deepEqual(await violations(page), []);
  await shot(page, 'demo-5-denied');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('two users in two browsers never see each other’s calendars', async () => {
  const [alice, bob] = [await open({}, 'alice'), await open({}, 'bob')];
  await connect(alice.page).click();
  await button(alice.page, 'Allow').click();
  await connected(alice.page).waitFor();
  await bob.page.reload();
  await connect(bob.page).waitFor();
  assert.equal(await connected(bob.page).count(), 0);
  await connect(bob.page).click();
  await bob.page.getByText('sam@calendar.example').click();
  await button(bob.page, 'Allow').click();
  await bob.page.getByText('From the calendar of').waitFor();
  const [hers, his] = [await alice.page.locator('main').innerText(), await bob.page.locator('main').innerText()];
  assert.ok(hers.includes('robin@calendar.example') && !hers.includes('sam@calendar.example'), hers);
  assert.ok(his.includes('sam@calendar.example') && !his.includes('robin@calendar.example'), his);
  for (const { context } of [alice, bob]) await context.close();
});

test('the page and its scripts hold no key', async () => {
  const { context, page } = await profile(browser);
  const texts = [];
  page.on('response', async (answer) => {
    texts.push(await answer.text().catch(() => ''));
  });
  await page.goto(product.base);
  await connected(page).waitFor();
  for (const secret of [product.dev.service_key, product.dev.admin_key])
    assert.ok(texts.every((text) => !text.includes(secret)));
  await context.close();
});
