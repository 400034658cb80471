// What happened before, in the console: sent to a webhook again, looked up in the audit trail, checked against a witness.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { assertSound, shot } from './chromium.mjs';
import { DARK, SMALL, admin, button, changed, field, world } from './console-world.mjs';

const dialogOf = (page, name) => page.getByRole('dialog', { name });

/** How long an event may take from the change to the receiver. */
const DELIVERY_SECONDS = 20;

/** A receiver of webhooks, and the ids of what it was sent. */
async function receiver() {
  const ids = [];
  const server = createServer((request, response) => {
    ids.push(request.headers['webhook-id']);
    request.resume();
    response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/hook`, ids, close };
}

/** A moment as a field takes it, in the browser's time. */
const written = (page, at) =>
  page.evaluate((milliseconds) => {
    const then = new Date(milliseconds);
    then.setMinutes(then.getMinutes() - then.getTimezoneOffset());
    return then.toISOString().slice(0, 19);
  }, at);

test('what a webhook has had is sent to it again, under the same ids, and how much it was is said', async () => {
  const takes = await receiver();
  const hook = await world.admin('POST', '/webhooks', { url: takes.url, events: ['connector.deleted'] });
  for (const name of ['First', 'Second'])
    await world.admin('DELETE', `/connectors/${(await world.newConnector({ name })).id}`);
  await until(DELIVERY_SECONDS, 'both events', () => takes.ids.length >= 2 || undefined);
  const first = [...takes.ids];
  const known = await admin({}, 'webhooks');
  const { page, context } = known;
  await button(page, `Send again to ${takes.url}`).click();
  const asks = dialogOf(page, 'Send again what happened?');
  const go = asks.getByRole('button', { name: 'Send again' });
  const from = asks.getByLabel('From', { exact: true });
  await go.click();
  await asks.getByText('Say from when.').waitFor();
  await from.fill(await written(page, Date.now() - 40 * 86_400_000));
  await go.click();
  await asks
    .getByText(/^Events are kept for 30 days/)
    .last()
    .waitFor();
  await from.fill(await written(page, Date.now() - 3_600_000));
  await asks.getByLabel('Until', { exact: true }).fill(await written(page, Date.now() - 7_200_000));
  await go.click();
  await asks.getByText('This is before it begins.').waitFor();
  await shot(page, 'console-webhook-replay');
  await assertSound(known, 'a time that is none');
  assert.equal(takes.ids.length, 2, 'nothing was sent');
  await asks.getByLabel('Until', { exact: true }).fill('');
  await go.click();
  const tells = dialogOf(page, '2 events are sent again');
  await tells.waitFor();
  await assertSound(known, 'what was sent');
  await tells.getByRole('button', { name: 'Close' }).click();
  await until(DELIVERY_SECONDS, 'both again', () => takes.ids.length >= 4 || undefined);
  assert.deepEqual(takes.ids.slice(2).sort(), first.sort());
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/webhooks/${hook.body.id}`);
  takes.close();
});

test('a replay of many pieces goes on where one failed, and counts nothing twice', async () => {
  const hook = await world.admin('POST', '/webhooks', { url: 'http://127.0.0.1:9/hook' });
  const known = await admin({ ...DARK, ...SMALL }, 'webhooks');
  const { page, context } = known;
  const bodies = [];
  await page.route('**/replay', (route) => {
    bodies.push(route.request().postDataJSON());
    if (bodies.length === 2)
      return route.fulfill({ status: 503, json: { code: 'unavailable', detail: 'Not now.', request_id: 'r-1' } });
    return route.fulfill({
      status: 202,
      json: { events: 200, next_cursor: bodies.length < 4 ? `c${bodies.length}` : null },
    });
  });
  await button(page, 'Send again to http://127.0.0.1:9/hook').click();
  const asks = dialogOf(page, 'Send again what happened?');
  await asks.getByLabel('From', { exact: true }).fill(await written(page, Date.now() - 86_400_000));
  await asks.getByRole('button', { name: 'Send again' }).click();
  await asks.getByText('Not now.').waitFor();
  await asks.getByText('200 events so far …').waitFor();
  await shot(page, 'console-webhook-replay-dark-small');
  await assertSound(known, 'a piece that failed');
  await asks.getByRole('button', { name: 'Send again' }).click();
  await dialogOf(page, '600 events are sent again').waitFor();
  assert.deepEqual(
    bodies.map((one) => one.cursor),
    [undefined, 'c1', 'c1', 'c3'],
  );
  assert.equal(new Set(bodies.map((one) => one.since)).size, 1);
  await context.close();
  await world.admin('DELETE', `/webhooks/${hook.body.id}`);
});

test('the trail is searched by who, what and when, and all of it is there again afterwards', async () => {
  const connector = await world.newConnector({ name: 'Looked up' });
  await world.admin('PUT', `/connectors/${connector.id}`, { name: 'Looked up twice' });
  const known = await admin({}, 'audit');
  const { page, context } = known;
  const entries = page.locator('.event');
  const all = await entries.count();
  await page.getByText('Search', { exact: true }).first().click();
  await field(page, 'Connector').fill('Looked up twice');
  await button(page, 'Search').click();
  await page.getByText('2 entries fit.', { exact: true }).waitFor();
  assert.equal(await entries.count(), 2);
  await field(page, 'What').fill('connector.changed');
  await button(page, 'Search').click();
  await page.getByText('1 entry fits.', { exact: true }).waitFor();
  await shot(page, 'console-audit-search');
  await assertSound(known, 'a search');
  await field(page, 'Until').fill(await written(page, Date.now() - 3_600_000));
  await button(page, 'Search').click();
  await page.getByText('Nothing fits.', { exact: true }).waitFor();
  await field(page, 'Since').fill(await written(page, Date.now()));
  await button(page, 'Search').click();
  await page.getByText('This is before it begins.').waitFor();
  await button(page, 'Clear').click();
  await entries.nth(all - 1).waitFor();
  assert.equal(await page.getByText('Nothing fits.').count(), 0);
  await field(page, 'Who').fill('system');
  const asked = page.waitForRequest((request) => new URL(request.url()).pathname.endsWith('/audit'));
  await button(page, 'Search').click();
  assert.equal(new URL((await asked).url()).search, '?actor=system');
  assert.deepEqual(known.complaints, []);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});

test('a search goes through pages that have nothing, and says when it refuses', async () => {
  const known = await admin({ ...DARK, ...SMALL }, 'audit');
  const { page, context } = known;
  const asked = [];
  await page.route('**/audit?*', (route) => {
    const query = new URL(route.request().url()).searchParams;
    asked.push(query.get('cursor'));
    if (query.get('target') === 'wrong')
      return route.fulfill({
        status: 422,
        json: { code: 'invalid_request', detail: 'No.', errors: [{ pointer: '?target', detail: 'must be a text' }] },
      });
    return route.fulfill({ json: { events: [], next_cursor: asked.length < 12 ? `c${asked.length}` : null } });
  });
  await page.getByText('Search', { exact: true }).first().click();
  await field(page, 'To what').fill('something');
  await button(page, 'Search').click();
  await page.getByText('Nothing that fits yet. There is more to look through.').waitFor();
  assert.equal(asked.length, 10, 'then somebody is asked');
  await button(page, 'Show older').click();
  await page.getByText('Nothing fits.', { exact: true }).waitFor();
  assert.deepEqual(asked.slice(0, 3), [null, 'c1', 'c2']);
  await field(page, 'To what').fill('wrong');
  await button(page, 'Search').click();
  await page.getByText('Must be a text.').waitFor();
  await shot(page, 'console-audit-search-dark-small');
  await assertSound(known, 'a search that is refused');
  await context.close();
});

test('the witness of a check is kept and shown later, and one of another trail is told', async () => {
  const known = await admin({}, 'audit');
  const { page, context } = known;
  await button(page, 'Check').click();
  const code = page.locator('.copyable code');
  const witness = await code.textContent();
  await shot(page, 'console-audit-witness');
  await assertSound(known, 'a witness');
  await world.admin('POST', '/keys', { name: 'after the witness', role: 'read' });
  await page.getByText('Check since an earlier time', { exact: true }).click();
  const since = button(page, 'Check since then');
  await since.click();
  await page.getByText('Paste the witness that you have kept.').waitFor();
  await field(page, 'Witness of an earlier check').fill('not a witness');
  await since.click();
  await page.getByText(/Must be the witness of an earlier answer/).waitFor();
  await assertSound(known, 'no witness');
  await field(page, 'Witness of an earlier check').fill(`${witness.slice(0, 40)}\n ${witness.slice(40)}`);
  await since.click();
  await page.getByText(/Nothing was put back to before the witness\.$/).waitFor();
  assert.notEqual(await code.textContent(), witness, 'the trail has gone on');
  const farther = witness.replace(/(\d+):/, (_, number) => `${Number(number) + 1_000}:`);
  await field(page, 'Witness of an earlier check').fill(farther);
  await since.click();
  await page.getByText(/The latest entries are missing\./).waitFor();
  assert.equal(await code.count(), 0, 'what is not whole has no witness');
  await changed(page, '**/audit/verify', (found) => ({ ...found, intact: false, flaw: { what: 'key_gone' } }));
  await button(page, 'Check').click();
  await page.getByText(/^The key that the trail is checked with is gone/).waitFor();
  await assertSound(known, 'a trail whose key is gone');
  await context.close();
});
