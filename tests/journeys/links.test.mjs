// A link instead of a button: the app's backend makes it, its user opens it, and nobody else gets anywhere with it.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser } from '../harness/browser.mjs';
import { assertProblem } from '../harness/problems.mjs';
import { returned, RETURN_URL, World } from '../harness/world.mjs';

let world;
let connector;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
});
after(() => world.close());

const ask = (app, json) => world.api.post(`${app.path}/connect-sessions`, { key: app.key, json });

async function linkFor(user) {
  const wish = {
    user: { issuer: world.idp.issuer, sub: user.name },
    connector_id: connector.id,
    return_to: RETURN_URL,
  };
  const answer = await ask(user.app, wish);
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}

const OWN_PAGE = { 'x-own-page': '1' };

/** Opens a link and goes on, as its page does; answers where the provider is. */
async function opened(browser, url) {
  const answers = [];
  for (const what of ['open', 'continue']) {
    answers.push(await world.api.post(`${new URL(url).pathname}/${what}`, { through: browser, headers: OWN_PAGE }));
    assert.equal(answers.at(-1).status, 200, answers.at(-1).text);
  }
  return answers.at(-1).body.redirect_url;
}

const exchanges = () => world.provider.journal.granted('authorization_code');

test('a link leads its user to the provider and back, and the app’s backend finishes in their name', async () => {
  const user = await world.user('linked');
  const link = await linkFor(user);
  assert.equal(new URL(link.connect_url).origin, world.product.base);
  assert.ok(Date.parse(link.expires_at) - Date.now() <= 600_000);
  const { sessionId, status, handle } = returned(
    await user.browser.approve(await opened(user.browser, link.connect_url)),
  );
  assert.deepEqual([sessionId, status], [link.session_id, 'awaiting_finish']);
  const finished = await world.api.post(`${user.app.path}/app-user-auth/sessions/${sessionId}/finish`, {
    key: user.app.key,
    user: user.jwt,
    json: { handle },
  });
  assert.equal(finished.status, 200, finished.text);
  assert.equal((await world.token(user, connector)).status, 200);
});

test('a forwarded link connects neither the one who opens it nor the one it was made for', async () => {
  const [user, friend] = [await world.user('forwarder'), await world.user('friend')];
  const before = exchanges();
  const { sessionId, handle } = returned(
    await friend.browser.approve(await opened(friend.browser, (await linkFor(user)).connect_url)),
  );
  const answer = await world.finish(friend, sessionId, handle);
  assert.ok([400, 404].includes(answer.status), answer.text);
  assert.equal(exchanges(), before);
  for (const each of [user, friend]) assert.equal((await world.token(each, connector)).status, 404);
});

test('a link opens in one browser only', async () => {
  const user = await world.user('opened');
  const { connect_url: url } = await linkFor(user);
  const first = await opened(user.browser, url);
  const second = await world.api.post(`${new URL(url).pathname}/open`, { through: new Browser(), headers: OWN_PAGE });
  assertProblem(second, { status: 410, code: 'session_user_mismatch' });
  assert.equal(await opened(user.browser, url), first, 'a reload is no second browser');
});

test('an unknown link is over, and its page is that of any other', async () => {
  for (const session of ['nonsense', 'ses_'.padEnd(47, 'A'), 'a%2Fb']) {
    const page = await new Browser().open(`${world.product.base}/connect/${session}`);
    assert.deepEqual([page.status, page.headers.get('cache-control')], [200, 'no-store'], session);
    const answer = await world.api.post(`/connect/${session}/open`, { headers: OWN_PAGE });
    assertProblem(answer, { status: 410, code: 'session_expired' }, session);
  }
});

test('only for users of the app’s own issuer, its connectors and its return URLs', async () => {
  const user = { issuer: world.idp.issuer, sub: 'alice' };
  const wrong = [
    [{ user: { ...user, issuer: 'https://evil.example' }, connector_id: connector.id }, ['/user/issuer']],
    [{ user: { issuer: world.idp.issuer }, connector_id: connector.id }, ['/user/sub']],
    [{ connector_id: connector.id }, ['/user']],
    [{ user, connector_id: connector.id, return_to: 'https://evil.example/' }, ['/return_to']],
    [{ user }, ['/connector_id']],
  ];
  for (const [wish, errors] of wrong) {
    assertProblem(await ask(world.app, wish), { status: 422, code: 'invalid_request', errors }, JSON.stringify(wish));
  }
  const unknown = await ask(world.app, { user, connector_id: 'con_01ARZ3NDEKTSV4RRFFQ69G5FAV' });
  assertProblem(unknown, { status: 404, code: 'NOT_FOUND' });
});

test('an app that asks for warnings only is connected at the callback of an unbound browser', async () => {
  const app = await world.newApp('Migrating app', { session_binding: 'warn' });
  const user = await world.user('migrant', app);
  const started = await world.initiate(user, connector);
  const landed = await user.browser.approve(started.body.redirect_url);
  assert.equal(returned(landed).status, 'completed');
  assert.equal((await world.token(user, connector)).status, 200);
});

test('an app that finishes on its server may have the handle in the query', async () => {
  const app = await world.newApp('Server app', { handle_delivery: 'query' });
  const user = await world.user('server-side', app);
  const started = await world.initiate(user, connector);
  const { url } = await user.browser.approve(started.body.redirect_url);
  assert.equal(url.hash, '');
  const finished = await world.finish(user, url.searchParams.get('session_id'), url.searchParams.get('handle'));
  assert.equal(finished.status, 200, finished.text);
});
