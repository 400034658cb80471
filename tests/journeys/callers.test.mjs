// Who is calling: proofs that almost hold, and neighbours who reach for what is not theirs.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { assertProblem } from '../harness/problems.mjs';
import { IdentityProvider } from '../harness/idp.mjs';
import { World } from '../harness/world.mjs';

let world;
let connector;
let alice;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
  alice = await world.user('alice');
  await world.connect(alice, connector);
});
after(() => world.close());

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const claims = () => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: world.idp.issuer, aud: world.app.id, sub: 'alice', iat: now, exp: now + 600 };
};

/** Both places where a user's JWT is proof: alone, and beside a service key. */
async function mustBeRefused(jwt, about) {
  const alone = await world.state({ ...alice, jwt }, connector);
  assertProblem(alone, { status: 401, code: 'unauthorized' }, about);
  assertProblem(await world.token({ ...alice, jwt }, connector), { status: 401, code: 'unauthorized' }, about);
}

test('a good token of either algorithm is taken', async () => {
  for (const algorithm of ['ES256', 'RS256']) {
    const jwt = await world.idp.token('alice', world.app.id, { algorithm });
    assert.equal((await world.token({ ...alice, jwt }, connector)).status, 200, algorithm);
  }
});

test('PUB-17 an unsigned token is nobody’s', async () => {
  for (const alg of ['none', 'None', 'nOnE'])
    await mustBeRefused(`${encode({ alg, typ: 'JWT' })}.${encode(claims())}.`, alg);
});

test('PUB-18 a public key is no shared secret', async () => {
  const pem = await world.idp.publicPem('RS256');
  const jwk = JSON.stringify((await world.idp.jwks()).keys.find(({ alg }) => alg === 'RS256'));
  for (const secret of [pem, pem.trim(), Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64'), jwk]) {
    const signed = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'idp-RS256' })}.${encode(claims())}`;
    await mustBeRefused(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`, 'HS256');
  }
});

test('PUB-19 PUB-20 wrong or missing claims are refused, each of them', async () => {
  const past = Math.floor(Date.now() / 1000) - 300;
  const wrong = [
    { aud: 'another-app' },
    { aud: [] },
    { iss: 'https://evil.example' },
    { exp: past },
    { nbf: past + 3_600 },
    { aud: undefined },
    { iss: undefined },
    { sub: undefined },
    { sub: '' },
    { exp: undefined },
  ];
  for (const change of wrong) {
    await mustBeRefused(await world.idp.token('alice', world.app.id, { claims: change }), JSON.stringify(change));
  }
});

test('a key that the token itself brings proves nothing', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  for (const header of [{ jwk }, { jku: 'https://evil.example/jwks' }, {}]) {
    await mustBeRefused(
      await world.idp.token('alice', world.app.id, { key: privateKey, header }),
      Object.keys(header).join(),
    );
  }
});

test('PUB-22 unknown key ids are refused without asking the issuer each time', async () => {
  const fetched = () => world.idp.requests.filter((path) => path === '/jwks').length;
  const before = fetched();
  for (let count = 0; count < 10; count += 1) {
    await mustBeRefused(await world.idp.token('alice', world.app.id, { header: { kid: `unknown-${count}` } }), 'kid');
  }
  assert.ok(fetched() - before <= 1, `${fetched() - before} fetches`);
});

test('PUB-23 another user of the same app has their own connections only', async () => {
  const bob = await world.user('bob');
  assert.equal((await world.token(bob, connector)).status, 404);
  assert.equal((await world.state(bob, connector)).body.status, 'disconnected');
  assert.equal((await world.disconnect(bob, connector)).status, 404);
  assert.equal((await world.token(alice, connector)).status, 200);
});

test('PUB-24 the same name in another app, or from another issuer, is another user', async () => {
  const app = await world.newApp('Second app');
  const namesake = await world.user('alice', app);
  assert.equal((await world.token(namesake, connector)).status, 404);
  const crossed = await world.api.get(`${world.app.path}/app-user-auth/connectors/${connector.id}/token`, {
    key: app.key,
    user: alice.jwt,
  });
  assert.ok([401, 403, 404].includes(crossed.status), crossed.text);
  assert.equal(crossed.body.access_token, undefined);
  const stranger = await IdentityProvider.start();
  await mustBeRefused(await stranger.token('alice', world.app.id), 'another issuer');
  await stranger.close();
});

test('a key without tokens:offline reads no token by user id', async () => {
  const made = await world.admin('POST', `/apps/${world.app.id}/keys`, { name: 'online only' });
  assert.equal(made.status, 201, made.text);
  const answer = await world.api.get(`${world.app.path}/users/alice/connectors/${connector.id}/token`, {
    key: made.body.key,
  });
  assert.equal(answer.status, 403, answer.text);
  assert.equal(answer.body.access_token, undefined);
});
