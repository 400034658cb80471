// What only the deployed form has: the bootstrap event, the gateway's routes, queues between functions, a KMS key of a
// workspace's own, and logs. Other journeys run here as they are (see `check`).
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { found } from '../harness/canaries.mjs';
import { Tables } from '../harness/tables.mjs';
import { passed, until } from '../harness/until.mjs';
import { returned, World } from '../harness/world.mjs';
import { linesOf } from './logs.mjs';
import { DeployedProduct } from './product.mjs';

/** Messages arrive within seconds, and a sweep ends ten connections a second. */
const QUEUE_SECONDS = 60;

let product;
let world;
let connector;

before(async () => {
  product = await DeployedProduct.find();
  world = await World.open({ product });
  connector = await world.newConnector();
});
after(() => world?.close());

const refreshes = () => world.provider.journal.granted('refresh_token');

/** Waits until the provider takes none of these access tokens any more. */
const untilEnded = (tokens) =>
  until(QUEUE_SECONDS, 'the end of every grant at the provider', async () => {
    const alive = await Promise.all(tokens.map((token) => world.provider.accepts(token)));
    return alive.includes(true) ? undefined : true;
  });

/** A user with a connection, and the token that it has. */
async function connected(name, to = connector, through = world) {
  const user = await through.user(name);
  await through.connect(user, to, { browser: user.browser });
  const { status, body, text } = await through.token(user, to);
  assert.equal(status, 200, text);
  return { user, token: body.access_token };
}

test('the command of the README finds the function that founds workspaces', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const [, output] = readme.match(/OutputKey=='(\w+)'/);
  assert.equal(product.stack.outputs[output], product.stack.resources.get('ManageConnectorFunction').name);
});

test('the bootstrap event founds a workspace, and no route of the API does', async () => {
  const { admin_key: key, workspace_id: id } = await product.stack.invoke('manage-connector', {
    bootstrap: { workspace_name: 'Another' },
  });
  assert.notEqual(id, product.dev.workspace_id);
  const apps = (workspace) => world.api.get(`/api/workspace/${workspace}/apps`, { key });
  assert.equal((await apps(id)).status, 200);
  assert.equal((await apps(product.dev.workspace_id)).status, 404, 'its key opens no other workspace');
  for (const path of ['/api/workspace', '/api/bootstrap', '/']) {
    const answer = await world.api.post(path, { key, json: { bootstrap: { workspace_name: 'Stolen' } } });
    assert.deepEqual([answer.status, answer.body.message], [404, 'Not Found'], path);
  }
});

test('a user connects by the page, by a link and by a parked code, each through its functions', async () => {
  const { token } = await connected('page');
  assert.equal(await world.provider.accepts(token), true);

  const parked = await world.user('parked');
  await world.connect(parked, connector);
  assert.equal((await world.token(parked, connector)).status, 200);

  const linked = await world.user('linked');
  const wish = { user: { issuer: world.idp.issuer, sub: 'linked' }, connector_id: connector.id };
  const link = await world.api.post(`${world.app.path}/connect-sessions`, { key: world.app.key, json: wish });
  assert.equal(link.status, 201, link.text);
  const onPage = (what) => {
    const page = `${new URL(link.body.connect_url).pathname}/${what}`;
    return world.api.post(page, { through: linked.browser, headers: { 'x-own-page': '1' } });
  };
  const looked = await world.api.request('GET', new URL(link.body.connect_url).pathname);
  assert.match(looked.headers.get('content-type'), /^text\/html/);
  assert.equal((await onPage('open')).status, 200);
  const led = await onPage('continue');
  assert.equal(led.status, 200, led.text);
  const { sessionId, handle } = returned(await linked.browser.approve(led.body.redirect_url));
  const finished = await world.api.post(`${world.app.path}/app-user-auth/sessions/${sessionId}/finish`, {
    key: world.app.key,
    user: linked.jwt,
    json: { handle },
  });
  assert.equal(finished.status, 200, finished.text);
});

test('a page of a registered origin may ask, and no other', async () => {
  const preflight = async (origin) => {
    const headers = { origin, 'access-control-request-method': 'POST' };
    const path = `${world.app.path}/app-user-auth/connectors/${connector.id}/initiate`;
    return (await world.api.request('OPTIONS', path, { headers })).headers.get('access-control-allow-origin');
  };
  assert.equal(await preflight('https://app.example'), 'https://app.example');
  assert.equal(await preflight('https://evil.example'), null);
});

test('an ended token is refreshed when it is asked for', async () => {
  const user = await world.user('asking');
  const old = await world.connectBriefly(user, connector, 3);
  await passed(old.expires_at);
  const { status, body, text } = await world.token(user, connector);
  assert.equal(status, 200, text);
  assert.notEqual(body.access_token, old.access_token);
});

test('a message of the refresh queue has a connection refreshed', async () => {
  const user = await world.user('queued');
  const before = refreshes();
  const old = await world.connectBriefly(user, connector, 3);
  await passed(old.expires_at);
  const place = {
    workspace: product.dev.workspace_id,
    app: world.app.id,
    issuer: world.idp.issuer,
    subject: 'queued',
    connector: connector.id,
  };
  const QueueUrl = product.stack.resources.get('RefreshQueue').name;
  const MessageBody = JSON.stringify({ kind: 'look', place });
  await new SQSClient({ useQueueUrlAsEndpoint: false }).send(new SendMessageCommand({ QueueUrl, MessageBody }));
  await until(QUEUE_SECONDS, 'a refresh from the queue', async () => (refreshes() > before ? true : undefined));
});

test('a workspace with a KMS key of its own is founded, connects and reads with it', async () => {
  const own = await world.admin('PUT', '/encryption-keys', { kms_key_arn: process.env.WORKSPACE_KEY });
  assert.equal(own.status, 202, own.text);
  const foreign = product.stack.arn('kms', 'key/00000000-0000-0000-0000-000000000000');
  const refused = await world.admin('PUT', '/encryption-keys', { kms_key_arn: foreign });
  assert.equal(refused.status, 422, refused.text);

  const stack = product.stack;
  const dev = await stack.invoke('manage-connector', {
    bootstrap: { workspace_name: 'Own key', kms_key_arn: process.env.WORKSPACE_KEY },
  });
  const other = await World.open({
    product: Object.assign(Object.create(DeployedProduct.prototype), product, { dev }),
  });
  try {
    const { user, token } = await connected('owner', await other.newConnector(), other);
    assert.equal(await other.provider.accepts(token), true);
    assert.ok(user);
  } finally {
    await other.close();
  }
});

test('a backend lists its users, and a user their connectors', async () => {
  const { user } = await connected('listed');
  const mine = await world.api.get(`${world.app.path}/app-user-auth/connectors`, { key: user.jwt });
  assert.equal(mine.body.connectors.find(({ connector_id: id }) => id === connector.id).status, 'active');
  const all = await world.api.get(`${world.app.path}/connections?connector_id=${connector.id}`, {
    key: world.app.key,
  });
  assert.ok(all.body.connections.some(({ user: { sub } }) => sub === 'listed'));
});

test('disconnecting ends the grant at the provider', async () => {
  const { user, token } = await connected('leaving');
  const answer = await world.disconnect(user, connector);
  assert.deepEqual([answer.status, answer.body.revocation], [200, 'revoked'], answer.text);
  assert.equal((await world.token(user, connector)).status, 404);
  assert.equal(await world.provider.accepts(token), false);
});

test('a forgotten user’s grants end through the revocation queue', async () => {
  const { token } = await connected('forgotten');
  const answer = await world.admin('DELETE', `/apps/${world.app.id}/users/forgotten`);
  assert.deepEqual([answer.status, answer.body.connections], [202, 1], answer.text);
  await untilEnded([token]);
});

test('a deleted connector’s and a deleted app’s grants end through the revocation queue', async () => {
  const gone = await world.newConnector();
  const tokens = await Promise.all(['one', 'two', 'three'].map(async (name) => (await connected(name, gone)).token));
  assert.equal((await world.admin('DELETE', `/connectors/${gone.id}`)).status, 202);
  await untilEnded(tokens);

  const app = await world.newApp('Short-lived');
  const user = await world.user('tenant', app);
  await world.connect(user, connector);
  const { body } = await world.token(user, connector);
  assert.equal((await world.admin('DELETE', `/apps/${app.id}`)).status, 202);
  await untilEnded([body.access_token]);
});

test('no secret that passed is in a log or a table', async () => {
  const tables = new Tables(process.env.AWS_ENDPOINT_URL);
  const items = await tables.everything();
  tables.close();
  assert.ok(items.length > 0);
  assert.deepEqual(found(world.provider.journal.secrets, items), []);
  for (const fn of product.stack.functions())
    assert.deepEqual(found(world.provider.journal.secrets, (await linesOf(fn)).join('\n')), [], fn);
});
