// What an admin does to a connector, and what its users notice.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { passed, until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

let world;

before(async () => {
  world = await World.open();
});
after(() => world.close());

const edit = (connector, changes) => world.admin('PUT', `/connectors/${connector.id}`, changes);

async function connected(connector, ...names) {
  const users = [];
  for (const name of names) {
    const user = await world.user(name);
    await world.connect(user, connector);
    users.push(user);
  }
  return users;
}

test('a connector answers what API.md says, its exact redirect URI and never its secret', async () => {
  const connector = await world.newConnector({ name: 'Seen 🗓' });
  const listed = await world.admin('GET', '/connectors');
  const single = await world.admin('GET', `/connectors/${connector.id}`);
  assert.deepEqual([listed.status, single.status], [200, 200]);
  for (const seen of [
    connector,
    single.body,
    listed.body.connectors.find(({ connector_id: id }) => id === connector.id),
  ]) {
    assert.deepEqual(
      [seen.name, seen.id, seen.kind, seen.integration_type],
      ['Seen 🗓', connector.id, 'per_user', 'oidc-provider'],
    );
    assert.equal(seen.redirect_uri, `${world.product.base}/api/external-auth/callback/${connector.id}`);
    assert.ok(Date.parse(seen.client_secret_changed_at) <= Date.now());
  }
  for (const { text } of [listed, single]) assert.ok(!text.includes(connector.client_secret));
});

test('a caller may choose a connector’s id, so that the redirect URI is known before the client exists', async () => {
  const id = 'con_01JD8Z5W3V7N9QK2M4R6T8XYAB';
  const connector = await world.newConnector({ id });
  assert.equal(connector.id, id);
  const again = await world.admin('POST', '/connectors', {
    id,
    integration_type: 'oidc-provider',
    name: 'Another name',
    client_id: 'a',
    client_secret: 'b',
    scopes: [],
  });
  assert.deepEqual([again.status, again.body.code], [409, 'conflict']);
});

test('names are unique in a workspace, whatever their case', async () => {
  await world.newConnector({ name: 'Only One' });
  const same = {
    integration_type: 'oidc-provider',
    name: 'only one',
    client_id: 'a',
    client_secret: 'b',
    scopes: ['openid'],
  };
  const answer = await world.admin('POST', '/connectors', same);
  assert.deepEqual([answer.status, answer.body.code], [409, 'conflict']);
});

test('two connectors of one provider ask for different scopes and keep apart', async () => {
  const [reading, writing] = [
    await world.newConnector({ scopes: ['openid', 'calendar.read'] }),
    await world.newConnector({ scopes: ['openid', 'calendar.write'] }),
  ];
  const [user] = await connected(reading, 'both');
  assert.equal((await world.token(user, writing)).status, 404);
  await world.connect(user, writing);
  assert.deepEqual((await world.token(user, reading)).body.granted_scopes.toSorted(), ['calendar.read', 'openid']);
  assert.deepEqual((await world.token(user, writing)).body.granted_scopes.toSorted(), ['calendar.write', 'openid']);
});

test('edited scopes ask every earlier connection to reconnect, its token still served, its id kept', async () => {
  const connector = await world.newConnector({ scopes: ['openid', 'calendar.read'] });
  const users = await connected(connector, 'first', 'second', 'third');
  const before = await Promise.all(users.map((user) => world.token(user, connector)));
  const edited = await edit(connector, { scopes: ['openid', 'calendar.read', 'calendar.write'] });
  assert.equal(edited.status, 200, edited.text);

  const listed = await world.admin('GET', `/connectors/${connector.id}/connections`);
  assert.equal(listed.status, 200, listed.text);
  assert.equal(listed.body.connections.length, 3);
  for (const one of listed.body.connections) {
    assert.deepEqual(
      [one.status, one.reason, one.missing_scopes],
      ['reconnect_required', 'scopes_changed', ['calendar.write']],
    );
  }
  for (const [index, user] of users.entries()) {
    const { status, body } = await world.token(user, connector);
    assert.deepEqual([status, body.access_token], [200, before[index].body.access_token]);
    assert.deepEqual([body.reconnect_required, body.missing_scopes], [true, ['calendar.write']]);
    const wanting = await world.token(user, connector, '?required_scopes=calendar.write');
    assert.deepEqual([wanting.status, wanting.body.code], [409, 'missing_scopes']);
  }

  await world.connect(users[0], connector);
  const { body } = await world.token(users[0], connector, '?required_scopes=calendar.write');
  assert.equal(body.connection_id, before[0].body.connection_id);
  assert.deepEqual([body.reconnect_required, body.missing_scopes], [false, []]);
  assert.equal((await world.state(users[1], connector)).body.status, 'reconnect_required');
});

test('another client id asks every earlier connection to reconnect', async () => {
  const connector = await world.newConnector();
  const [user] = await connected(connector, 'moved');
  assert.equal((await edit(connector, { client_id: 'another-client' })).status, 200);
  const { body } = await world.state(user, connector);
  assert.deepEqual([body.status, body.reconnect_required], ['reconnect_required', true]);
});

test('a rotated client secret keeps connections working', async () => {
  const connector = await world.newConnector();
  const [user] = await connected(connector, 'rotated');
  const client_secret = 'canary-rotated-secret-5d1c';
  const edited = await edit(connector, { client_secret });
  assert.equal(edited.status, 200, edited.text);
  assert.ok(!edited.text.includes(client_secret));
  assert.ok(Date.parse(edited.body.client_secret_changed_at) >= Date.parse(connector.client_secret_changed_at));
  await world.provider.register({
    client_id: connector.client_id,
    client_secret,
    redirect_uris: [connector.redirect_uri],
  });
  const { status, body } = await world.token(user, connector);
  assert.deepEqual([status, body.reconnect_required], [200, false]);
});

test('a wrong client secret is the admin’s trouble and ends no connection', async () => {
  const connector = await world.newConnector();
  const user = await world.user('innocent');
  const token = await world.connectBriefly(user, connector, 3);
  await edit(connector, { client_secret: 'not-the-secret' });
  await passed(token.expires_at);
  const answer = await world.token(user, connector);
  assert.deepEqual([answer.status, answer.body.code], [502, 'connector_misconfigured'], answer.text);
  assert.equal(answer.body.upstream.error, 'invalid_client');
  assert.notEqual((await world.state(user, connector)).body.status, 'reconnect_required');
});

test('a deleted connector’s connections are unusable at once and revoked at the provider', async () => {
  const connector = await world.newConnector();
  const users = await connected(connector, 'one', 'two', 'three');
  const tokens = await Promise.all(users.map((user) => world.token(user, connector)));
  const deleted = await world.admin('DELETE', `/connectors/${connector.id}`);
  assert.equal(deleted.status, 202, deleted.text);
  for (const user of users) assert.equal((await world.token(user, connector)).status, 404);
  assert.equal((await world.admin('GET', `/connectors/${connector.id}`)).status, 404);
  await until(60, 'the end of every grant at the provider', async () => {
    const alive = await Promise.all(tokens.map(({ body }) => world.provider.accepts(body.access_token)));
    return alive.includes(true) ? undefined : true;
  });
});

test('a user’s list shows every connector of the workspace with that user’s own state', async () => {
  const [mine, other] = [await world.newConnector(), await world.newConnector()];
  const [user] = await connected(mine, 'lister');
  const { status, body } = await world.api.get(`${user.app.path}/app-user-auth/connectors`, { key: user.jwt });
  assert.equal(status, 200);
  const state = (connector) => body.connectors.find(({ connector_id: id }) => id === connector.id);
  assert.deepEqual([state(mine).status, state(mine).account.id], ['active', 'lister-account']);
  assert.deepEqual([state(other).status, state(other).account], ['disconnected', null]);
});

test('a backend iterates its users by cursor and reads a token by user id', async () => {
  const connector = await world.newConnector();
  const users = await connected(connector, 'cron-1', 'cron-2');
  const listed = await world.api.get(`${world.app.path}/connections?connector_id=${connector.id}`, {
    key: world.app.key,
  });
  assert.equal(listed.status, 200, listed.text);
  assert.deepEqual(listed.body.connections.map(({ user }) => user.sub).sort(), ['cron-1', 'cron-2']);
  const offline = await world.api.get(`${world.app.path}/users/cron-1/connectors/${connector.id}/token`, {
    key: world.app.key,
  });
  assert.equal(offline.status, 200, offline.text);
  assert.equal(offline.body.access_token, (await world.token(users[0], connector)).body.access_token);
});
