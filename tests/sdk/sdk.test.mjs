// The unmodified npm `@base44/sdk`, pointed at the product: what an app that uses it sees.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Base44Error, createClient, createClientFromRequest } from '@base44/sdk';
import { passed } from '../harness/until.mjs';
import { returned, RETURN_URL, World } from '../harness/world.mjs';

const VERSION = createRequire(import.meta.url)('../package-lock.json').packages['node_modules/@base44/sdk'].version;
const NOT_CONNECTED = 'No active connection found for this connector';

let world;
let connector;

before(async () => {
  world = await World.open();
  connector = await world.newConnector({ connection_config: { subdomain: 'acme' } });
});
after(() => world.close());

/** The SDK as a page (`user`) and as a backend function acting for that user (`backend`) create it. */
function clientsOf(user) {
  const common = { serverUrl: world.product.base, appId: user.app.id, token: user.jwt };
  return { page: createClient(common), backend: createClient({ ...common, serviceToken: user.app.key }).asServiceRole };
}

async function refused(call) {
  const outcome = await call.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  assert.ok(outcome.error instanceof Base44Error, `expected a Base44Error, got ${JSON.stringify(outcome)}`);
  return outcome.error;
}

async function connectThroughSdk(user, { page }) {
  const redirectUrl = await page.connectors.connectAppUser(connector.id);
  const { sessionId, status, handle } = returned(await user.browser.approve(redirectUrl));
  assert.equal(status, 'awaiting_finish');
  assert.equal((await world.finish(user, sessionId, handle)).status, 200);
}

test(`connect, use and disconnect with the pinned SDK ${VERSION}`, async () => {
  const user = await world.user('alice');
  const clients = clientsOf(user);
  await connectThroughSdk(user, clients);

  const connection = await clients.backend.connectors.getCurrentAppUserConnection(connector.id);
  assert.deepEqual(connection.connectionConfig, { subdomain: 'acme' });
  assert.equal(await world.provider.accepts(connection.accessToken), true, 'the provider takes the token');
  assert.equal(await clients.backend.connectors.getCurrentAppUserAccessToken(connector.id), connection.accessToken);

  assert.equal(await clients.page.connectors.disconnectAppUser(connector.id), undefined);
  const error = await refused(clients.backend.connectors.getCurrentAppUserConnection(connector.id));
  assert.equal(error.status, 404);
  assert.equal(error.code, 'NOT_FOUND');
  assert.equal(error.message, NOT_CONNECTED);
  assert.equal(error.data.detail, NOT_CONNECTED);
});

test('a user who never connected is told so in the words that apps match on', async () => {
  const error = await refused(
    clientsOf(await world.user('newcomer')).backend.connectors.getCurrentAppUserConnection(connector.id),
  );
  assert.deepEqual([error.status, error.code, error.message], [404, 'NOT_FOUND', NOT_CONNECTED]);
  assert.equal(error.originalError.response.headers['x-base44-connector-error'], 'NOT_FOUND');
});

test('a connector that does not exist looks the same as one without a connection', async () => {
  const { page, backend } = clientsOf(await world.user('alice'));
  const unknown = 'con_01ARZ3NDEKTSV4RRFFQ69G5FAV';
  for (const call of [
    () => backend.connectors.getCurrentAppUserConnection(unknown),
    () => page.connectors.connectAppUser(unknown),
    () => page.connectors.disconnectAppUser(unknown),
  ]) {
    const error = await refused(call());
    assert.deepEqual([error.status, error.code], [404, 'NOT_FOUND']);
  }
});

test('an id with reserved characters is one id and never another route', async () => {
  const { page, backend } = clientsOf(await world.user('alice'));
  for (const id of ['a/b', '../connectors', 'a?b=c', 'a#b', '%2e%2e', 'ü 漢', `${connector.id}/token`]) {
    for (const call of [
      () => backend.connectors.getCurrentAppUserConnection(id),
      () => page.connectors.connectAppUser(id),
      () => page.connectors.disconnectAppUser(id),
    ]) {
      const error = await refused(call());
      assert.deepEqual([error.status, error.code, typeof error.data.detail], [404, 'NOT_FOUND', 'string'], id);
    }
  }
});

test('a percent-encoded id is decoded after the path is split', async () => {
  const user = await world.user('encoder');
  await connectThroughSdk(user, clientsOf(user));
  const encoded = [...connector.id].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('');
  const path = `${user.app.path}/app-user-auth/connectors/${encoded}/token`;
  assert.equal((await world.api.get(path, { key: user.app.key, user: user.jwt })).status, 200);
});

test('a grant that the provider ended asks for the user with 404 and its own code', async () => {
  const user = await world.user('revoked');
  const clients = clientsOf(user);
  const token = await world.connectBriefly(user, connector, 3);
  await world.provider.endGrantOf(token.access_token);
  await passed(token.expires_at);
  const error = await refused(clients.backend.connectors.getCurrentAppUserConnection(connector.id));
  assert.deepEqual([error.status, error.code, typeof error.data.detail], [404, 'reconnect_required', 'string']);
});

test('a wrong service key and a missing user are refused with a text the SDK shows', async () => {
  const user = await world.user('alice');
  const common = { serverUrl: world.product.base, appId: user.app.id };
  const wrongKey = createClient({
    ...common,
    token: user.jwt,
    serviceToken: `${user.app.key.slice(0, -1)}${user.app.key.endsWith('0') ? '1' : '0'}`,
  });
  const withoutUser = createClient({ ...common, serviceToken: user.app.key });
  for (const client of [wrongKey, withoutUser]) {
    const error = await refused(client.asServiceRole.connectors.getCurrentAppUserConnection(connector.id));
    assert.deepEqual([error.status, error.code, typeof error.data.detail], [401, 'unauthorized', 'string']);
  }
});

test('the user and analytics calls that the SDK makes by itself are answered', async () => {
  const user = await world.user('alice');
  const { page } = clientsOf(user);
  assert.ok(await page.auth.me());
  const answer = await world.api.post(`${user.app.path}/analytics/track/batch`, {
    key: user.jwt,
    json: { events: [] },
  });
  assert.equal(answer.status, 200);
});

test('without a wish the user comes back to the app’s first return URL', async () => {
  const user = await world.user('returner');
  const landed = await user.browser.approve(await clientsOf(user).page.connectors.connectAppUser(connector.id));
  assert.equal(landed.url.origin + landed.url.pathname, RETURN_URL);
});

test('a backend function that makes its client of a request speaks for whoever sent it', async () => {
  const user = await world.user('caller');
  await connectThroughSdk(user, clientsOf(user));
  const made = (token) =>
    createClientFromRequest(
      new Request('https://functions.example/', {
        headers: {
          ...(token && { Authorization: `Bearer ${token}` }),
          'Base44-Service-Authorization': `Bearer ${user.app.key}`,
          'Base44-App-Id': user.app.id,
          'Base44-Api-Url': world.product.base,
          'Base44-Functions-Version': 'v7',
          'Base44-State': 'x'.repeat(4_096),
          'X-Data-Env': 'dev',
        },
      }),
    ).asServiceRole.connectors;
  const { accessToken } = await made(user.jwt).getCurrentAppUserConnection(connector.id);
  assert.equal(await world.provider.accepts(accessToken), true, 'the provider takes the token');
  const stranger = await refused(made((await world.user('stranger')).jwt).getCurrentAppUserConnection(connector.id));
  assert.deepEqual([stranger.status, stranger.code], [404, 'NOT_FOUND']);
  for (const token of [undefined, 'nonsense']) {
    const nobody = await refused(made(token).getCurrentAppUserConnection(connector.id));
    assert.deepEqual([nobody.status, nobody.code], [401, 'unauthorized']);
  }
});

test('what the workspace shares is had by type and by connector, until an admin disconnects it', async () => {
  const office = await world.newConnector({ name: 'Office', kind: 'shared', connection_config: { subdomain: 'acme' } });
  const { backend } = clientsOf(await world.user('alice'));
  const asks = [
    () => backend.connectors.getConnection(office.integration_type),
    () => backend.connectors.getWorkspaceConnection(office.id),
  ];
  const nothing = async () => {
    for (const ask of asks) {
      const error = await refused(ask());
      assert.deepEqual([error.status, error.code, error.message], [404, 'NOT_FOUND', NOT_CONNECTED]);
    }
  };
  await nothing();
  assert.equal((await world.connectShared(office)).status, 'completed');
  // The account is the app's, so it does not matter who is signed in; but nobody's call is made in another's name.
  const common = { serverUrl: world.product.base, appId: world.app.id, serviceToken: world.app.key };
  for (const token of [undefined, 'nonsense']) {
    const { connectors } = createClient({ ...common, token }).asServiceRole;
    assert.equal(await world.provider.accepts((await connectors.getWorkspaceConnection(office.id)).accessToken), true);
    if (token) assert.equal((await refused(connectors.callApi(office.integration_type, { path: '/x' }))).status, 401);
  }
  const [byType, byId] = await Promise.all(asks.map((ask) => ask()));
  assert.deepEqual(byType, byId);
  assert.deepEqual(byId.connectionConfig, { subdomain: 'acme' });
  assert.equal(await world.provider.accepts(byId.accessToken), true, 'the provider takes the token');
  assert.equal(await backend.connectors.getAccessToken(office.integration_type), byId.accessToken);
  await refused(backend.connectors.getCurrentAppUserConnection(office.id));
  await refused(backend.connectors.getWorkspaceConnection(connector.id));
  const gone = await world.admin('DELETE', `/connectors/${office.id}/connection`);
  assert.deepEqual([gone.status, gone.body.status], [200, 'disconnected']);
  await nothing();
});
