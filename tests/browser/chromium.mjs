// Chromium, as a person's browser: profiles that share nothing, everything that a page complains about, and what is seen.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const ARTEFACTS = process.env.ARTEFACTS ?? resolve(import.meta.dirname, '../../target/artefacts');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser; `profile` makes people of it. */
export async function launch() {
  mkdirSync(ARTEFACTS, { recursive: true });
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: QUIET });
}

/** A new profile with one page. `complaints` fills with errors of scripts, of the console, and of the page's policy. */
export async function profile(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // A refused request is the page's business: it says what to do.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective}`));
  });
  return { context, page, complaints };
}

/** The button that is called this and nothing more. */
export const button = (page, name) => page.getByRole('button', { name, exact: true });

/** A picture of the whole page, outside git. */
export const shot = (page, name) => page.screenshot({ path: join(ARTEFACTS, `${name}.png`), fullPage: true });

/** How far the page sticks out sideways, in pixels. */
export const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** What axe-core has against the page as it is now: a line for each rule and element. Run past the page's own policy. */
export async function violations(page) {
  const session = await page.context().newCDPSession(page);
  const evaluate = (expression) =>
    session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
  await evaluate(await readFile(AXE, 'utf8'));
  const { result } = await evaluate(
    'axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`)))',
  );
  return result.value;
}

/** Nothing complained, nothing is in anybody's way, nothing sticks out. */
export async function assertSound({ page, complaints }, what) {
  assert.deepEqual(await violations(page), [], what);
  assert.equal(await overflow(page), 0, `${what} sticks out`);
  assert.deepEqual(complaints, [], what);
}

/** When a page first showed something; waits for it, where a slow machine is not there yet. */
function firstPaint() {
  return new Promise((told) => {
    const look = (list) => {
      const [entry] = list.getEntriesByName('first-contentful-paint');
      if (entry) told(entry.startTime);
    };
    new PerformanceObserver(look).observe({ type: 'paint', buffered: true });
  });
}

/**
 * What a visit to a page takes: bytes and files that were transferred, milliseconds from the beginning of the navigation to
 * the first paint, and how much moved by itself. `act` does what belongs to the visit.
 */
export async function measured(page, address, act) {
  let [bytes, files] = [0, 0];
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    files += 1;
  });
  await page.addInitScript(() => {
    globalThis.moved = 0;
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, value } of list.getEntries()) globalThis.moved += hadRecentInput ? 0 : value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(address);
  await act?.(page);
  await page.waitForLoadState('networkidle');
  const paint = await page.evaluate(firstPaint);
  return { bytes, files, paint, moved: await page.evaluate('globalThis.moved') };
}
