// How a client that knows nothing but the address comes to a token: the official client's own discovery (RFC 9728, RFC 8414),
// registration (RFC 7591), PKCE and resource indicator (RFC 8707), with a real authorization server as the issuer of the
// workspace's people and of the app's users.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { decodeJwt } from 'jose';
import { Browser } from '../harness/browser.mjs';
import { ADMIN, open, use } from './assistants.mjs';

const CALLBACK = 'https://assistant.example/callback';
const SCOPES = ['connectors:read', 'connectors:propose', 'connections:read', 'connections:write'];

let world;
/** Another, whose issuer has our scopes from the beginning: what is known of one is believed for a minute. */
let scoped;

before(async () => {
  const worlds = [false, true].map(() => open({ security: { resourceScopes: SCOPES } }));
  [world, scoped] = await Promise.all(worlds);
  await Promise.all([vouches(world, false), vouches(scoped, true)]);
});
after(() => Promise.all([world?.close(), scoped?.close()]));

/** What an assistant keeps of its authorization, and the browser of the person it works for. */
class Keeper {
  redirectUrl = CALLBACK;
  clientMetadata = {
    client_name: 'An assistant',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    scope: 'openid email',
  };
  /** Every address that a person was led to. */
  asked = [];

  constructor(account) {
    this.account = account;
  }

  clientInformation = () => this.information;
  saveClientInformation = (information) => void (this.information = information);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;
  redirectToAuthorization = (url) => void this.asked.push(url);

  /** The person agrees to what was asked last; answers the code that comes back. */
  async agree() {
    const landed = await new Browser().approve(this.asked.at(-1), { account: this.account });
    assert.equal(`${landed.url.origin}${landed.url.pathname}`, CALLBACK, landed.body);
    assert.ok(landed.url.searchParams.has('code'), landed.url.href);
    return landed.url.searchParams.get('code');
  }
}

/** A client that knows the address only. It fails for want of a token, a person agrees, and it is connected. */
async function connected(url, keeper) {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: keeper });
  const first = new Client({ name: 'test', version: '1.0.0' });
  await assert.rejects(first.connect(transport), UnauthorizedError);
  await transport.finishAuth(await keeper.agree());
  return again(url, keeper);
}

/** The same client, started anew with what it has kept. */
async function again(url, keeper) {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: keeper });
  const client = new Client({ name: 'test', version: '1.0.0' });
  await client.connect(transport);
  await client.listTools();
  return { client, transport };
}

/** Makes the authorization server the issuer of the workspace's people, with our scopes or without. */
async function vouches(world, agent_scopes) {
  const people = { issuer: world.provider.issuer, client_id: 'console', agent_scopes };
  const answer = await world.admin('PUT', '/identity', { ...people, admins: { claim: 'sub', values: [ADMIN] } });
  assert.equal(answer.status, 200, answer.text);
}

const asked = (keeper) => Object.fromEntries(keeper.asked.at(-1).searchParams);

test('an assistant that knows the address only finds the issuer, registers, and gets a token for this address', async () => {
  const keeper = new Keeper(ADMIN);
  const { client } = await connected(world.builderUrl, keeper);
  const { resource, code_challenge_method, scope } = asked(keeper);
  assert.deepEqual([resource, code_challenge_method, scope], [world.builderUrl, 'S256', 'openid email']);
  assert.equal(decodeJwt(keeper.kept.access_token).aud, world.builderUrl);
  assert.equal((await use(client, 'find_connector')).fits, false);
});

test('a token of somebody who is nobody in the workspace is refused, and nobody is led in circles', async () => {
  const keeper = new Keeper('mallory');
  await assert.rejects(connected(world.builderUrl, keeper), (cause) => cause.code === 403);
  assert.equal(keeper.asked.length, 1);
});

test('a token that is no good any more is refreshed for the same address, without a person', async () => {
  const keeper = new Keeper(ADMIN);
  await connected(world.builderUrl, keeper);
  keeper.kept = { ...keeper.kept, access_token: 'ended' };
  const { client } = await again(world.builderUrl, keeper);
  await use(client, 'find_connector');
  assert.equal(decodeJwt(keeper.kept.access_token).aud, world.builderUrl);
  assert.equal(keeper.asked.length, 1);
});

test('the agent of an app comes to a token of its user the same way, and it opens nothing else', async () => {
  const identity = { issuer: world.provider.issuer, audience: world.app.id };
  const saved = await world.admin('PUT', `/apps/${world.app.id}/identity`, identity);
  assert.equal(saved.status, 200, saved.text);
  const keeper = new Keeper('alice');
  const { client } = await connected(world.agentUrl, keeper);
  assert.equal((await use(client, 'list_connections')).connections[0].status, 'disconnected');
  const headers = { authorization: `Bearer ${keeper.kept.access_token}` };
  const elsewhere = new StreamableHTTPClientTransport(new URL(world.builderUrl), { requestInit: { headers } });
  const other = new Client({ name: 'test', version: '1.0.0' });
  await assert.rejects(other.connect(elsewhere), /401|[Uu]nauthorized/);
});

test('where the issuer has our scopes a client asks for looking first, and for more when a tool takes more', async () => {
  // A client that registers itself is known for the scopes of its first request only, and with a refresh token it tries that
  // for more and gives up: so this one is known before, and keeps none.
  const keeper = new Keeper(ADMIN);
  keeper.information = { client_id: 'known-before' };
  const known = { ...keeper.information, redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' };
  await scoped.provider.register(known);
  keeper.saveTokens = ({ refresh_token: _, ...tokens }) => void (keeper.kept = tokens);
  const { client, transport } = await connected(scoped.builderUrl, keeper);
  assert.equal(asked(keeper).scope, 'connectors:read');
  await use(client, 'find_connector');
  const wanted = { integration_type: scoped.type, name: 'Calendar', client_id: 'c' };
  await assert.rejects(use(client, 'add_connector', wanted), UnauthorizedError);
  assert.deepEqual(asked(keeper).scope.split(' ').toSorted(), ['connectors:propose', 'connectors:read']);
  await transport.finishAuth(await keeper.agree());
  assert.equal((await use(client, 'add_connector', wanted)).status, 'proposed');
});
