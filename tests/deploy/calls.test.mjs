// A provider's API, called for an app by a function of its own: through a user's account, and through the one that the
// workspace shares.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { World } from '../harness/world.mjs';
import { DeployedProduct } from './product.mjs';

let world;
let api;

/** An API that says whose token it was sent. */
async function startApi() {
  const server = createServer(async (request, response) => {
    const token = await world.provider.issued(request.headers.authorization?.replace(/^Bearer /, ''));
    response.writeHead(token ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ account: token?.accountId, path: request.url }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

before(async () => {
  api = await startApi();
  const base_url = `http://127.0.0.1:${api.address().port}/v1`;
  world = await World.open({ product: await DeployedProduct.find(), said: { api: { base_url } } });
});
after(async () => {
  api.closeAllConnections();
  api.close();
  await world?.close();
});

test('an account that the workspace shares gives its tokens, and has its API called', async () => {
  const office = await world.newConnector({ kind: 'shared' });
  assert.equal((await world.connectShared(office)).status, 'completed');

  const read = await world.api.get(`${world.app.path}/external-auth/tokens/connectors/${office.id}`, {
    key: world.app.key,
  });
  assert.equal(read.status, 200, read.text);
  assert.equal(await world.provider.accepts(read.body.access_token), true);

  const call = { key: world.app.key, json: { path: '/events' } };
  const called = await world.api.post(`${world.app.path}/connectors/${world.type}/call`, call);
  assert.equal(called.status, 200, called.text);
  assert.deepEqual([called.body.success, called.body.data], [true, { account: 'office', path: '/v1/events' }]);
});

test('a user’s own account has its API called, and nobody sees the token', async () => {
  const connector = await world.newConnector();
  const user = await world.user('caller');
  await world.connect(user, connector);
  const { body } = await world.token(user, connector);
  const path = `${world.app.path}/app-user-auth/connectors/${connector.id}/call`;
  const called = await world.api.post(path, { key: user.jwt, json: { path: '/events' } });
  assert.equal(called.status, 200, called.text);
  assert.deepEqual(called.body.data, { account: 'caller-account', path: '/v1/events' });
  assert.ok(!called.text.includes(body.access_token));
});
