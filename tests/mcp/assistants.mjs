// Assistants in a test: a world whose workspace's people have an issuer, and clients that show its tokens.
import { createServer, request as forward } from 'node:http';
import { once } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { World } from '../harness/world.mjs';

/** Who is an admin of the workspace. */
export const ADMIN = 'ada';

/** A world for assistants: `builderUrl` is where those of the workspace's people call, `agentUrl` those of its app's users. */
export async function open(options) {
  const world = await World.open(options);
  const { base, dev } = world.product;
  world.builderUrl = `${base}/mcp/${dev.workspace_id}`;
  world.agentUrl = `${base}/mcp/apps/${world.app.id}`;
  const people = { issuer: world.idp.issuer, client_id: 'console', admins: { claim: 'sub', values: [ADMIN] } };
  const answer = await world.admin('PUT', '/identity', people);
  if (answer.status !== 200) throw new Error(`the identity was answered with ${answer.status}: ${answer.text}`);
  return world;
}

/** The official client, connected to the endpoint at `url` in the name of `who`. */
export async function client(world, who, url, capabilities = {}) {
  return clientWith(await world.idp.token(who, url), url, capabilities);
}

/** The same, with a token from elsewhere. It knows the tools from then on, and holds every answer against what they promise. */
export async function clientWith(token, url, capabilities = {}) {
  const connected = new Client({ name: 'test', version: '1.0.0' }, { capabilities });
  const headers = { authorization: `Bearer ${token}` };
  await connected.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
  await connected.listTools();
  return connected;
}

/** The fields that a tool answers. */
export async function use(assistant, name, args = {}) {
  const result = await assistant.callTool({ name, arguments: args });
  if (result.isError) throw new Error(`${name}: ${result.content[0].text}`);
  return result.structuredContent;
}

/**
 * Stands on loopback before the endpoint at `url` and shows `token`, for clients that cannot. `Host` and `Origin` go along
 * as they are, but where they name this place they name the endpoint's.
 */
export async function showing(token, url) {
  const target = new URL(url);
  const server = createServer((incoming, outgoing) => {
    const { port } = server.address();
    const renamed = (value) => value?.replace(new RegExp(`(127\\.0\\.0\\.1|localhost):${port}$`), target.host);
    const { host, origin } = incoming.headers;
    const headers = { ...incoming.headers, authorization: `Bearer ${token}`, host: renamed(host) };
    if (origin) headers.origin = renamed(origin);
    const { pathname: path, port: onwards } = target;
    const onward = forward({ host: '127.0.0.1', port: onwards, path, method: incoming.method, headers });
    onward.on('response', (answer) => answer.pipe(outgoing.writeHead(answer.statusCode, answer.headers)));
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://localhost:${server.address().port}/mcp`, close: () => server.close() };
}
