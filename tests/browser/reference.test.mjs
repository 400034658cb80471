// The page that describes the API: whole, light, found by words and by address, readable by everybody.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Product } from '../harness/product.mjs';
import { assertSound, launch, measured, profile, shot } from './chromium.mjs';

const MOST_BYTES = 60_000;

let product;
let browser;
let address;

before(async () => {
  [product, browser] = await Promise.all([Product.start(), launch()]);
  address = `${product.base}/console/reference`;
});
after(async () => {
  await browser?.close();
  await product?.stop();
});

test('every route has a section of its own, with who may call it, its fields and its answers', async () => {
  const { paths, webhooks, tags } = await (await fetch(`${product.base}/openapi.json`)).json();
  const operations = Object.entries({ ...paths, ...webhooks }).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
      .map(([method, operation]) => ({ path, method, ...operation })),
  );
  assert.ok(operations.length > 80);
  const known = await profile(browser);
  const { page, context } = known;
  await page.goto(address);
  const sections = await page.locator('main details').evaluateAll((all) =>
    all.map((one) => ({
      id: one.id,
      text: one.textContent,
      fields: [...one.querySelectorAll('li > code')].map((code) => code.textContent),
    })),
  );
  assert.equal(sections.length, operations.length);
  const rooms = await page.getByRole('heading', { level: 2 }).allTextContents();
  assert.deepEqual(
    rooms,
    tags.map(({ name }) => name),
    'what is looked for most comes first',
  );
  for (const { path, method, operationId, parameters = [], responses } of operations) {
    const section = sections.find(({ id }) => id === operationId);
    assert.ok(section, `${method} ${path}`);
    const verb = path in paths ? method.toUpperCase() : 'EVENT';
    assert.ok(section.text.includes(path) && section.text.includes(verb), operationId);
    for (const { name } of parameters) if (name) assert.ok(section.fields.includes(name), `${operationId}: ${name}`);
    const statuses = Object.keys(responses).filter((status) => /^2(\d\d|XX)$/.test(status));
    for (const status of statuses) assert.ok(section.text.includes(`Answer ${status}`), `${operationId}: ${status}`);
  }
  assert.deepEqual(known.complaints, []);
  await context.close();
});

test('it is light, moves nothing, and runs nothing that is not of this origin', async () => {
  const { page, context } = await profile(browser);
  const found = await measured(page, address);
  console.log(`reference: ${found.bytes} bytes in ${found.files} files`);
  assert.ok(found.bytes < MOST_BYTES, `${found.bytes} bytes`);
  assert.equal(found.moved, 0);
  const answer = await page.request.get(address);
  const policy = answer.headers()['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"])
    assert.ok(policy.includes(part), policy);
  assert.equal(answer.headers()['cache-control'], 'no-cache');
  await context.close();
});

for (const [name, options] of [
  ['light', {}],
  ['small-dark', { viewport: { width: 320, height: 700 }, colorScheme: 'dark' }],
])
  test(`routes are found by words and opened, and all of them are readable: ${name}`, async () => {
    const known = await profile(browser, options);
    const { page, context } = known;
    await page.goto(address);
    await assertSound(known, 'the page');
    const routes = page.locator('main details:visible');
    const all = await routes.count();
    await page.getByLabel('Find a route').fill('post webhooks test');
    await page.getByText('1 route', { exact: true }).waitFor();
    assert.equal(await page.getByRole('heading', { level: 2 }).count(), 1, 'rooms with nothing in them are gone');
    await routes.first().locator('summary').press('Enter');
    await page.waitForURL((url) => url.hash.length > 1);
    const opened = page.url();
    await shot(page, `reference-${name}`);
    await page.getByLabel('Find a route').fill('zebra quagga');
    await page.getByText('No route has all of these words in it.').waitFor();
    assert.equal(await routes.count(), 0);
    await page.getByLabel('Find a route').fill('');
    assert.equal(await routes.count(), all);

    // The address of a route leads to it, also for whoever gets it from somebody else.
    await page.goto('about:blank');
    await page.goto(opened);
    await page.locator('main details[open]').waitFor();
    assert.equal(await page.locator('main details[open]').count(), 1);
    assert.ok(await page.locator('main details[open]').isVisible());
    await page.locator('main details').evaluateAll((every) => every.forEach((one) => (one.open = true)));
    await assertSound(known, 'every route');
    await context.close();
  });

test('without scripts it is the same to read, and no field is there that does nothing', async () => {
  const known = await profile(browser, { javaScriptEnabled: false });
  const { page, context } = known;
  await page.goto(address);
  await page.getByRole('heading', { level: 1, name: 'API reference' }).waitFor();
  assert.equal(await page.getByLabel('Find a route').isVisible(), false);
  await page.locator('main summary').first().click();
  assert.equal(await page.locator('main details[open]').count(), 1);
  await context.close();
});
