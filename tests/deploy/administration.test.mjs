// What only administrators ask for, each of another table or key: the trail and its chain, how everything stands, what is
// switched off, what an assistant proposes, and people who sign in with an issuer of their organisation.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';
import { DeployedProduct } from './product.mjs';

const CLIENT = 'console-client';

/** A message of the refresh queue asks for it. */
const EXAMINED_SECONDS = 60;

let world;
let connector;
let user;

before(async () => {
  world = await World.open({ product: await DeployedProduct.find() });
  connector = await world.newConnector();
  user = await world.user('administered');
  await world.connect(user, connector);
});
after(() => world?.close());

/** What an administrator is answered; it has to be what was wanted. */
async function asked(method, path, json, status = 200) {
  const answer = await world.admin(method, path, json);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.body;
}

test('the trail is whole as it was written', async () => {
  const { intact, looked_at: count } = await asked('GET', '/audit/verify');
  assert.equal(intact, true);
  assert.ok(count > 0);
});

test('a new connector is examined, and an administrator sees how it stands and whom a change would concern', async () => {
  const { connectors } = await asked('GET', '/health');
  assert.ok(JSON.stringify(connectors).includes(connector.id));
  const path = `/connectors/${connector.id}`;
  const foreseen = await asked('POST', `${path}/foresee`, { scopes: ['openid', 'email', 'calendar.write'] });
  assert.deepEqual([foreseen.must_reconnect, foreseen.complete], [1, true]);
  await until(EXAMINED_SECONDS, 'what the doctor found', async () => {
    const { doctor } = await asked('GET', path);
    return doctor?.checked_at ? true : undefined;
  });
});

test('what is switched off gives no tokens until it is on again', async () => {
  const change = (per_user_connection_enabled) =>
    asked('PUT', '/connector-governance', { integration_type: world.type, per_user_connection_enabled });
  await change(false);
  const { status, body } = await world.token(user, connector);
  assert.deepEqual([status, body.code], [403, 'blocked_by_policy']);
  await change(true);
  assert.equal((await world.token(user, connector)).status, 200);
});

test('what an assistant proposes is there when an administrator confirmed it', async () => {
  const { key } = await asked('POST', '/keys', { name: 'assistant', role: 'builder' }, 201);
  const wanted = { integration_type: world.type, name: 'Proposed', client_id: 'proposed', scopes: ['openid'] };
  const json = { kind: 'add', connector: wanted };
  const proposed = await world.api.post(`${world.workspace}/proposals`, { key, json });
  assert.equal(proposed.status, 201, proposed.text);
  await asked('POST', `/proposals/${proposed.body.proposal_id}/confirm`, { client_secret: 'a canary of a secret' });
  const { connectors } = await asked('GET', '/connectors');
  assert.ok(connectors.some(({ name }) => name === 'Proposed'));
});

test('people of the organisation administer with a token of its issuer', async () => {
  const admins = { claim: 'role', values: ['operator'] };
  await asked('PUT', '/identity', { issuer: world.idp.issuer, client_id: CLIENT, admins });
  const seen = async (claims) => {
    const key = await world.idp.token('olivia', CLIENT, { claims });
    return (await world.api.get(`${world.workspace}/apps`, { key })).status;
  };
  assert.equal(await seen({ role: 'operator' }), 200);
  assert.notEqual(await seen({ role: 'guest' }), 200);
  assert.notEqual(await seen({}), 200);
});

test('an assistant proves itself by a token for its address, and comes in by no other name', async () => {
  const path = `/mcp/${world.product.dev.workspace_id}`;
  const admins = { claim: 'sub', values: ['ada'] };
  await asked('PUT', '/identity', { issuer: world.idp.issuer, client_id: CLIENT, admins });
  const metadata = await world.api.get(`/.well-known/oauth-protected-resource${path}`);
  const resource = `${world.product.base}${path}`;
  assert.deepEqual(metadata.body.authorization_servers, [world.idp.issuer], metadata.text);
  assert.equal(metadata.body.resource, resource);
  const headers = { accept: 'application/json, text/event-stream' };
  const call = async (audience, method, params = {}) => {
    const key = await world.idp.token('ada', audience);
    return world.api.post(path, { key, json: { jsonrpc: '2.0', id: 1, method, params }, headers });
  };
  assert.equal((await call(CLIENT, 'tools/list')).status, 401);
  const told = await call(resource, 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  });
  assert.equal(told.body.result.serverInfo.name, 'connectors', told.text);
  const found = await call(resource, 'tools/call', {
    name: 'find_connector',
    arguments: { integration_type: world.type, purpose: 'read each user’s calendar' },
  });
  const { connectors, suggested_kind } = found.body.result.structuredContent;
  assert.equal(suggested_kind, 'per_user', found.text);
  assert.ok(connectors.some(({ connector_id: id }) => id === connector.id));
  const wanted = { integration_type: world.type, name: 'Of an assistant', client_id: 'assistant', scopes: ['openid'] };
  const proposed = await call(resource, 'tools/call', { name: 'add_connector', arguments: wanted });
  assert.equal(proposed.body.result.structuredContent.status, 'proposed', proposed.text);
  const read = await call(resource, 'resources/read', { uri: `connectors://connectors/${connector.id}` });
  assert.equal(read.body.result.contents[0].mimeType, 'application/json', read.text);
  const key = await world.idp.token('ada', resource);
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
  assert.equal(await world.product.statusUnder('evil.example', path, key, body), 403);
});

test('an agent lists and reads for its user, whose token is for its address', async () => {
  const path = `/mcp/apps/${world.app.id}`;
  const user = await world.user('of-an-agent');
  await world.connect(user, connector);
  const key = await world.idp.token('of-an-agent', `${world.product.base}${path}`);
  const headers = { accept: 'application/json, text/event-stream' };
  const call = async (name, args) => {
    const json = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
    const answer = await world.api.post(path, { key, json, headers });
    assert.equal(answer.status, 200, answer.text);
    return answer.body.result;
  };
  const listed = await call('list_connections', {});
  const own = listed.structuredContent.connections.find((each) => each.connector_id === connector.id);
  assert.equal(own.status, 'active', JSON.stringify(listed));
  assert.equal((await call('connect', { connector_id: connector.id })).structuredContent.status, 'connected');
  assert.equal((await call('disconnect', { connector_id: connector.id })).structuredContent.status, 'disconnected');
});

test('a grant that moves in is handed out, and moves out only a day after somebody allowed it', async () => {
  const moved = await world.user('moved-in');
  const grant = {
    app_id: world.app.id,
    user: { issuer: world.idp.issuer, sub: 'moved-in' },
    client_id: connector.client_id,
    access_token: 'a canary of an access token',
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    scopes: ['openid'],
  };
  const path = `/connectors/${connector.id}`;
  const json = { on_conflict: 'skip', dry_run: false, connections: [grant] };
  const { results } = await asked('POST', `${path}/import`, json);
  assert.equal(results[0].status, 'imported', JSON.stringify(results));
  assert.equal((await world.token(moved, connector)).body.access_token, grant.access_token);
  const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudr6xpqs3y6u9h';
  const refused = await world.admin('POST', `${path}/export`, { recipient });
  assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
});
