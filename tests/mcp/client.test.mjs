// What the official client does beside calling tools: it gives up, comes again, ends a session that there is none of, and
// declares less than it could.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js';
import { until } from '../harness/until.mjs';
import { ADMIN, client, open, use } from './assistants.mjs';

/** How long a call may take from the client to the API that is called. */
const ARRIVAL_SECONDS = 20;

let world;
let api;
let agent;
const call = { path: '/slow' };
/** Requests that the API has not answered yet. */
const held = [];

before(async () => {
  api = createServer((request, response) => {
    if (request.url.endsWith('/slow')) held.push(response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"asked":true}');
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  const base_url = `http://127.0.0.1:${api.address().port}/v1`;
  world = await open({ type: 'called', said: { api: { base_url } } });
  const user = await world.user('alice');
  const connector = await world.newConnector();
  await world.connect(user, connector);
  call.connector_id = connector.id;
  agent = await client(world, 'alice', world.agentUrl);
});
after(async () => {
  for (const response of held) response.destroy();
  api?.close();
  api?.closeAllConnections();
  await world?.close();
});

const slow = (options) => agent.callTool({ name: 'call_api_read', arguments: call }, undefined, options);

test('a call that takes too long for the client ends there, and the next one is answered', async () => {
  await assert.rejects(slow({ timeout: 300 }), (cause) => cause.code === ErrorCode.RequestTimeout);
  assert.deepEqual((await use(agent, 'call_api_read', { ...call, path: '/x' })).data, { asked: true });
});

test('a call that is called off is let be, and the next one is answered', async () => {
  const [controller, before] = [new AbortController(), held.length];
  const asked = slow({ signal: controller.signal });
  await until(ARRIVAL_SECONDS, 'the call at the API', () => held.length > before || undefined);
  controller.abort('the person has changed their mind');
  await assert.rejects(asked, /changed their mind/);
  assert.equal((await use(agent, 'list_connections')).connections.length > 0, true);
});

test('a session is ended politely, although there is none, and the client can come again', async () => {
  const headers = { authorization: `Bearer ${await world.idp.token(ADMIN, world.builderUrl)}` };
  const transport = () => new StreamableHTTPClientTransport(new URL(world.builderUrl), { requestInit: { headers } });
  const opening = () => new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: { url: {} } } });
  const [first, way] = [opening(), transport()];
  await first.connect(way);
  assert.match(way.sessionId, /^[\x21-\x7e]{20,}$/);
  await way.terminateSession();
  await first.close();
  const again = opening();
  await again.connect(transport());
  assert.ok((await again.listTools()).tools.length > 5);
  assert.deepEqual(await again.ping(), {});
  await again.close();
});

test('a page that nobody listed is refused by its cursor', async () => {
  const assistant = await client(world, ADMIN, world.builderUrl);
  for (const list of ['listTools', 'listPrompts', 'listResources', 'listResourceTemplates'])
    await assert.rejects(assistant[list]({ cursor: 'made up' }), (cause) => cause.code === ErrorCode.InvalidParams);
});

test('a client is asked to open pages only if it said that it does', async () => {
  const wanted = { integration_type: 'called', name: 'Asked for', client_id: 'c' };
  for (const elicitation of [undefined, {}, { form: {} }]) {
    const plain = await client(world, ADMIN, world.builderUrl, elicitation && { elicitation });
    const told = await use(plain, 'add_connector', wanted);
    assert.match(told.open_url, /\/console\//);
  }
  const opens = await client(world, ADMIN, world.builderUrl, { elicitation: { form: {}, url: {} } });
  await assert.rejects(opens.callTool({ name: 'add_connector', arguments: wanted }), (cause) => {
    assert.ok(cause instanceof UrlElicitationRequiredError && cause instanceof McpError);
    assert.deepEqual(Object.keys(cause.elicitations[0]).toSorted(), ['elicitationId', 'message', 'mode', 'url']);
    return !/secret|token=|key=/.test(cause.elicitations[0].url);
  });
});
