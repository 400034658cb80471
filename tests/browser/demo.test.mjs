// Chromium on the demo page, as the README tells a newcomer to do it: connect, consent, use, disconnect.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { Product } from '../harness/product.mjs';

const ARTEFACTS = process.env.ARTEFACTS ?? resolve(import.meta.dirname, '../../target/artefacts');
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let product;
let browser;

before(async () => {
  mkdirSync(ARTEFACTS, { recursive: true });
  product = await Product.start();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
});
after(async () => {
  await browser?.close();
  await product?.stop();
});

/** A new profile, with everything a page complains about. */
async function profile(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { context, page, complaints };
}

const shot = (page, name) => page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage: true });

test('a newcomer connects the demo account, sees its events and disconnects', async () => {
  const { context, page, complaints } = await profile({ viewport: { width: 1200, height: 800 } });
  await page.goto(product.base);
  await page.locator('#status', { hasText: 'Not connected' }).waitFor();
  await shot(page, 'demo-1-not-connected');

  await page.locator('#connect').click();
  await page.waitForURL(/\/demo-provider\/authorize/);
  const bound = (await context.cookies(product.base)).filter(({ name }) => name.startsWith('__Host-'));
  assert.equal(bound.length, 1, 'Chromium kept the binding cookie over plain http on localhost');
  assert.deepEqual([bound[0].secure, bound[0].httpOnly, bound[0].path], [true, true, '/']);
  await shot(page, 'demo-2-consent');

  await page.getByRole('button', { name: 'Allow' }).click();
  await page.locator('#status', { hasText: /^Connected/ }).waitFor();
  assert.equal(new URL(page.url()).search, '', 'the address is clean again');
  await shot(page, 'demo-3-connected');

  await page.locator('#show-events').click();
  await page.locator('#event-list li').first().waitFor();
  await shot(page, 'demo-4-events');

  await page.locator('#disconnect').click();
  await page.locator('#status', { hasText: 'Not connected' }).waitFor();
  await shot(page, 'demo-5-disconnected');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a newcomer who denies is told so and stays disconnected', async () => {
  const { context, page } = await profile({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' });
  await page.goto(product.base);
  await page.locator('#connect').click();
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.locator('#status', { hasText: 'Not connected' }).waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  assert.equal(overflow, 0, 'nothing sticks out at 320 px');
  await shot(page, 'demo-6-denied');
  await context.close();
});

test('the page and its scripts hold no key', async () => {
  const { context, page } = await profile();
  const texts = [];
  page.on('response', async (answer) => {
    texts.push(await answer.text().catch(() => ''));
  });
  await page.goto(product.base);
  await page.locator('#status').waitFor();
  for (const secret of [product.dev.service_key, product.dev.admin_key])
    assert.ok(texts.every((text) => !text.includes(secret)));
  await context.close();
});
