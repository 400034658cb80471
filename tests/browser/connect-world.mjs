// An app on an origin of its own with pages that people connect on: a world and a browser for the tests of one file.
import { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { AppElsewhere } from '../harness/app-elsewhere.mjs';
import { World } from '../harness/world.mjs';
import { button, launch, profile } from './chromium.mjs';

export { button };

export const DARK = { colorScheme: 'dark' };
export const SMALL = { viewport: { width: 320, height: 640 } };
export const MARKUP = '<img src=x onerror=alert(1)>';
const PATHS = ['/elements', '/elements/popup', '/sdk', '/bare'];

/** Filled before the first test. */
export let world;
export let elsewhere;
export let browser;
/** The id of the demo connector. */
export let calendar;

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

/** A signed-in user at a page of the app elsewhere. */
export async function at(path, user, { query = '', ...options } = {}) {
  const known = await profile(browser, options);
  await known.context.addCookies([{ name: 'user', value: user, url: elsewhere.origin }]);
  await known.page.goto(elsewhere.origin + path + query);
  return known;
}

/** How the demo calendar stands for a user of the app of this page. */
export async function statusOf(path, user) {
  const { body } = await world.state(await world.user(user, elsewhere.apps[path]), { id: calendar });
  return body.status;
}

export const connect = (page) => button(page, 'Connect Demo Calendar');
export const isConnected = (page) => page.getByText('Connected as robin@calendar.example').waitFor();

/** A link for a user, as the app's backend makes it. */
export async function linkFor(user, { connector = calendar, path = '/elements', ...wishes } = {}) {
  const app = elsewhere.apps[path];
  const json = { user: { sub: user }, connector_id: connector, ...wishes };
  const answer = await world.api.post(`${app.path}/connect-sessions`, { key: app.key, json });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

export const heading = (page, name) => page.getByRole('heading', { level: 1, name });
