// The code that an assistant is given, run as it is written: in a page of another origin in Chromium, and in a backend.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { launch, profile } from '../browser/chromium.mjs';
import { IMPORTS, installed } from '../harness/app-elsewhere.mjs';
import { ADMIN, client, open, use } from './assistants.mjs';

const TESTS = resolve(import.meta.dirname, '..');

let world;
let browser;
let api;
let site;
let assistant;
let user;
const connectors = {};

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** An API that takes the tokens of the authorization server and says what it was asked. */
const startApi = () =>
  listening(
    createServer(async (request, response) => {
      const token = request.headers.authorization?.replace(/^Bearer /, '');
      const status = (await world.provider.accepts(token)) ? 200 : 401;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ asked: request.url }));
    }),
  );

/** An app on an origin of its own. `body` is what stands in its page. */
async function startSite() {
  const server = createServer(async (request, response) => {
    const module = await installed(new URL(request.url, 'http://localhost').pathname);
    if (module) return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(module);
    const imports = `<script type="importmap">${JSON.stringify({ imports: IMPORTS })}</script>`;
    const page = `<!doctype html><title>An app</title><link rel="icon" href="data:,">${imports}${server.body}`;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  });
  await listening(server);
  server.origin = `http://localhost:${server.address().port}`;
  return server;
}

before(async () => {
  api = await startApi();
  const base_url = `http://127.0.0.1:${api.address().port}/v1`;
  [world, browser, site] = await Promise.all([
    open({ type: 'called', said: { api: { base_url } } }),
    launch(),
    startSite(),
  ]);
  const app = await world.newApp('An app', { origins: [site.origin], return_urls: [`${site.origin}/`] });
  user = await world.user('alice', app);
  connectors.per_user = await world.newConnector({ name: 'Calendar' });
  connectors.shared = await world.newConnector({ name: 'Office', kind: 'shared' });
  await world.connectShared(connectors.shared);
  assistant = await client(world, ADMIN, world.builderUrl);
});
after(async () => {
  await browser?.close();
  site?.close();
  api?.close();
  await world?.close();
});

const codeFor = async (connector, side, style) =>
  (await use(assistant, 'code_for', { connector_id: connector.id, for: side, style })).code;

/** What stands for the app's own in every piece of code. */
const own = () => ({ appId: user.app.id, userToken: user.jwt, serviceKey: user.app.key });

/** Runs code of a backend as a program of its own; answers what these names are at its end. */
async function inBackend(code, ...names) {
  const values = Object.entries(own()).map(([name, value]) => `globalThis.${name} = ${JSON.stringify(value)};`);
  const program = `${code}\nprocess.stdout.write(JSON.stringify({ ${names.join(', ')} }));`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(values.join(''))}`, '--input-type=module', '-e'];
  const { stdout } = await promisify(execFile)(process.execPath, [...args, program], { cwd: TESTS, timeout: 30_000 });
  return JSON.parse(stdout);
}

/** A page of the app with this in it. */
async function pageWith(body) {
  site.body = body;
  const known = await profile(browser, {});
  const { appId, userToken } = own();
  await known.page.addInitScript((values) => Object.assign(globalThis, values), { appId, userToken });
  await known.page.goto(`${site.origin}/`);
  return known;
}

for (const style of ['sdk', 'http']) {
  test(`the ${style} code of a page leads its user to the provider, from another origin`, async () => {
    const code = await codeFor(connectors.per_user, 'frontend', style);
    const { page, context } = await pageWith(`<script type="module">${code}</script>`);
    await page.waitForURL((url) => url.href.startsWith(world.provider.issuer));
    await context.close();
  });
}

test('the connect.js code of a page is a button that leads there', async () => {
  const { page, context, complaints } = await pageWith(await codeFor(connectors.per_user, 'frontend', 'connect.js'));
  await page.getByRole('button', { name: /Connect/ }).click();
  await page.waitForURL((url) => url.href.startsWith(world.provider.issuer));
  assert.deepEqual(complaints, []);
  await context.close();
});

test('the code of a backend calls as the user, and gets a token that the provider takes', async () => {
  await world.connect(user, connectors.per_user);
  const http = await codeFor(connectors.per_user, 'backend', 'http');
  const called = await inBackend(http, 'success', 'phase', 'status_code', 'data');
  assert.deepEqual(called, { success: true, phase: 'responded', status_code: 200, data: { asked: '/v1/' } });
  const { accessToken } = await inBackend(await codeFor(connectors.per_user, 'backend', 'sdk'), 'accessToken');
  assert.equal(await world.provider.accepts(accessToken), true);
});

test('the code of a backend uses the shared account, and of several the one that was asked for', async () => {
  const called = await inBackend(await codeFor(connectors.shared, 'backend', 'http'), 'success', 'data');
  assert.deepEqual(called, { success: true, data: { asked: '/v1/' } });
  const first = await inBackend(await codeFor(connectors.shared, 'backend', 'sdk'), 'accessToken');
  const other = await world.newConnector({ name: 'Warehouse', kind: 'shared' });
  await world.connectShared(other, { account: 'warehouse' });
  for (const style of ['sdk', 'http']) {
    const second = await inBackend(await codeFor(other, 'backend', style), 'accessToken');
    assert.notEqual(second.accessToken, first.accessToken);
    const again = await inBackend(await codeFor(connectors.shared, 'backend', style), 'accessToken');
    assert.equal(again.accessToken, first.accessToken, style);
    for (const { accessToken } of [second, again]) assert.equal(await world.provider.accepts(accessToken), true);
  }
});
