// What every page weighs, how soon it shows itself, and that nothing moves; and the page of what a callback refuses.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { measured, overflow, profile, shot, violations } from './chromium.mjs';
import { DARK, MARKUP, SMALL, browser, button, calendar, elsewhere, linkFor, world } from './connect-world.mjs';

const MOST_BYTES = 60_000;
const LATEST_PAINT_MS = 300;
/** How many visitors there are at most: the quickest counts. */
const VISITS = 25;

/**
 * Visits a page as somebody who was never here, until it showed itself in time. Other tests, and compilers, share the
 * processors: a visit may be slow because of them, and never quick because of them. So the quickest tells what the page needs.
 */
async function assertLight(what, address, { prepare, act } = {}) {
  let best;
  for (let visit = 0; visit < VISITS && !(best?.paint < LATEST_PAINT_MS); visit += 1) {
    const { page, context } = await profile(browser);
    await prepare?.(context);
    const found = await measured(page, typeof address === 'function' ? await address() : address, act);
    assert.ok(found.bytes < MOST_BYTES, `${what}: ${found.bytes} bytes in ${found.files} files`);
    assert.equal(found.moved, 0, `${what}: something moves`);
    if (!(best?.paint < found.paint)) best = found;
    await context.close();
  }
  const { bytes, files, paint } = best;
  console.log(`${what}: ${bytes} bytes in ${files} files, first paint after ${Math.round(paint)} ms`);
  assert.ok(paint < LATEST_PAINT_MS, `${what}: first paint after ${paint} ms`);
  return best;
}

const consoleAt = (...segments) =>
  [world.product.base, 'console', world.product.dev.workspace_id, ...segments].join('/');

/** Signs in, and waits until the view is there. */
const signIn = async (page) => {
  await page.getByLabel('Admin key', { exact: true }).fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.locator('#main:not([aria-busy]) h1').waitFor();
};

test('the console is light before anybody has signed in', () =>
  assertLight('sign-in', `${world.product.base}/console`));

test('choosing a provider is light with the whole catalogue', async () => {
  const act = async (page) => {
    await signIn(page);
    await page.getByText(/^2\d\d providers, /).waitFor();
  };
  await assertLight('add connector', consoleAt('connectors', 'new'), { act });
});

const VIEWS = [
  'connectors',
  'people',
  'apps',
  'health',
  'audit',
  'workspace',
  'policies',
  'webhooks',
  'sign-in',
  'keys',
  'encryption-keys',
];
for (const view of [...VIEWS, 'providers', 'revocations'])
  test(`the view ${view} is light`, () => assertLight(view, consoleAt(view), { act: signIn }));

test('the views of one connector are light', async () => {
  for (const segments of [[], ['edit'], ['people'], ['import'], ['export']])
    await assertLight(`connector ${segments}`, consoleAt('connectors', calendar, ...segments), { act: signIn });
});

test('what app users see is light', async () => {
  await assertLight('link', async () => (await linkFor('tempo')).connect_url);
  const prepare = (context) => context.addCookies([{ name: 'user', value: 'tempo', url: elsewhere.origin }]);
  await assertLight('buttons of an app', `${elsewhere.origin}/elements`, { prepare });
  await assertLight('Planner', world.product.base);
  await assertLight('refused', `${world.product.base}/api/external-auth/callback/${calendar}?error=x&state=x`);
});

test('PUB-52: what the callback refuses is a page of the same look that runs nothing', async () => {
  for (const [name, options] of Object.entries({ light: {}, 'dark-320': { ...DARK, ...SMALL } })) {
    const known = await profile(browser, options);
    const answer = await known.page.goto(
      `${world.product.base}/api/external-auth/callback/${calendar}?error=x&error_description=${encodeURIComponent(MARKUP)}&state=x`,
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

test('what the callback refuses is said in the language of its reader', async () => {
  const address = `${world.product.base}/api/external-auth/callback/${calendar}?error=x&state=x`;
  for (const [locale, lang, dir, sentence] of [
    ['de-AT', 'de', 'ltr', 'Diese Anmeldung hat nicht hier begonnen'],
    ['es-MX', 'es', 'ltr', 'Este inicio de sesión no empezó aquí'],
    ['he-IL', 'he', 'rtl', 'הכניסה הזו לא התחילה כאן'],
    ['ja-JP', 'ja', 'ltr', 'このサインインはここで始まったものではありません'],
    ['fr-FR', 'en', 'ltr', 'This sign-in did not begin here'],
  ]) {
    const { context, page } = await profile(browser, { locale, ...SMALL });
    await page.goto(address);
    await page.getByRole('heading', { name: sentence }).waitFor();
    assert.deepEqual(await page.evaluate('[document.documentElement.lang, document.documentElement.dir]'), [lang, dir]);
    assert.equal(await page.locator('bdi').textContent(), 'state_mismatch');
    assert.equal(await overflow(page), 0, locale);
    if (dir === 'rtl') {
      assert.deepEqual(await violations(page), []);
      await shot(page, 'callback-refused-hebrew-320');
    }
    await context.close();
  }
});
