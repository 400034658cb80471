// The console with an admin in front of it: a world and a browser for the tests of one file.
import { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { Browser } from '../harness/browser.mjs';
import { World } from '../harness/world.mjs';
import { button, launch, profile } from './chromium.mjs';

export { button };

/** What a hostile or careless admin may call a connector. */
export const MARKUP = '<img src=x onerror=alert(1)>';

export const DARK = { colorScheme: 'dark' };
export const SMALL = { viewport: { width: 320, height: 700 } };

/** Filled before the first test. */
export let world;
export let browser;

before(async () => {
  [world, browser] = await Promise.all([World.open(), launch()]);
});
after(async () => {
  await browser?.close();
  await world?.close();
});

export const title = (page, name) => page.getByRole('heading', { level: 1, name, exact: true });
export const field = (page, label) => page.getByLabel(label, { exact: true });

/** A profile that is signed in, at a view below the workspace. */
export async function admin(options, ...segments) {
  const known = await profile(browser, options);
  const { page } = known;
  const where = ['/console', world.product.dev.workspace_id, ...segments].join('/');
  await page.goto(world.product.base + where);
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.locator('#main:not([aria-busy]) h1').waitFor();
  return known;
}

/** Connects `names` through the connector, each with an account of their own. */
export async function connect(connector, ...names) {
  for (const name of names) {
    const user = { ...(await world.user(name)), browser: new Browser() };
    const begun = await world.initiate(user, connector, { browser: user.browser });
    await user.browser.approve(begun.body.redirect_url, { account: name });
    const { body } = await world.session(user, begun.body.session_id);
    assert.equal(body.status, 'completed', name);
  }
}

/** Answers a route as the product does, with something changed. */
export const changed = (page, url, change) =>
  page.route(url, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: change(await answer.json()) });
  });
