// The doubles are judged before they judge: each rule that the journeys lean on is seen to hold.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { AwsProxy } from '../harness/aws-proxy.mjs';
import { Browser } from '../harness/browser.mjs';
import { found } from '../harness/canaries.mjs';
import { Cookies } from '../harness/cookies.mjs';
import { IdentityProvider } from '../harness/idp.mjs';
import { AuthorizationServer } from './server.mjs';

const SECRET = 'canary/secret+with=odd:chars%';
const REDIRECT = 'https://connectors.test/callback';
let server;

before(async () => {
  server = await AuthorizationServer.start();
  await server.register({ client_id: 'client', client_secret: SECRET, redirect_uris: [REDIRECT] });
});
after(() => server.close());

const basic = `Basic ${Buffer.from(`client:${encodeURIComponent(SECRET)}`).toString('base64')}`;

async function tokenRequest(fields) {
  const answer = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    headers: { authorization: basic },
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, body: await answer.json() };
}

async function authorize({ scopes } = {}) {
  const verifier = randomBytes(32).toString('base64url');
  const code_challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = {
    client_id: 'client',
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'openid calendar.read',
    state: 'xyz',
    code_challenge,
    code_challenge_method: 'S256',
  };
  const url = `${server.issuer}/auth?${new URLSearchParams(query)}`;
  const page = await new Browser().approve(url, { scopes });
  return {
    page,
    verifier,
    exchange: () =>
      tokenRequest({
        grant_type: 'authorization_code',
        code: page.url.searchParams.get('code'),
        redirect_uri: REDIRECT,
        code_verifier: verifier,
      }),
  };
}

test('a person who allows comes back with a code, the state and the issuer', async () => {
  const { page } = await authorize();
  assert.equal(page.url.origin + page.url.pathname, REDIRECT);
  assert.equal(page.url.searchParams.get('state'), 'xyz');
  assert.equal(page.url.searchParams.get('iss'), server.issuer);
});

test('a code without its verifier is refused', async () => {
  const { page } = await authorize();
  const answer = await tokenRequest({
    grant_type: 'authorization_code',
    code: page.url.searchParams.get('code'),
    redirect_uri: REDIRECT,
  });
  assert.equal(answer.body.error, 'invalid_grant');
});

test('a refresh rotates, and a reused refresh token ends the whole grant', async () => {
  const first = await (await authorize()).exchange();
  assert.equal(first.status, 200);
  const second = await tokenRequest({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token });
  assert.equal(second.status, 200);
  assert.notEqual(second.body.refresh_token, first.body.refresh_token);
  assert.equal(await server.accepts(second.body.access_token), true);
  const reused = await tokenRequest({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token });
  assert.equal(reused.body.error, 'invalid_grant');
  assert.equal(await server.accepts(second.body.access_token), false);
});

test('a person may allow less than was asked', async () => {
  const { body } = await (await authorize({ scopes: ['openid'] })).exchange();
  assert.equal(body.scope, 'openid');
});

test('an ended grant refuses both tokens', async () => {
  const { body } = await (await authorize()).exchange();
  await server.endGrantOf(body.access_token);
  assert.equal(await server.accepts(body.access_token), false);
  assert.equal(
    (await tokenRequest({ grant_type: 'refresh_token', refresh_token: body.refresh_token })).body.error,
    'invalid_grant',
  );
});

test('the life of access tokens follows the test', async () => {
  server.issueAccessTokensFor(7);
  const { body } = await (await authorize()).exchange();
  server.issueAccessTokensFor(3_600);
  assert.equal(body.expires_in, 7);
});

test('the journal counts grants and keeps every secret as a canary', async () => {
  const before = server.journal.granted('authorization_code');
  const { verifier, exchange } = await authorize();
  const { body } = await exchange();
  assert.equal(server.journal.granted('authorization_code'), before + 1);
  for (const value of [verifier, body.access_token, body.refresh_token, SECRET]) {
    assert.ok(server.journal.secrets.some(([, secret]) => secret === value));
  }
});

test('the identity provider publishes the key that signed', async () => {
  const idp = await IdentityProvider.start();
  for (const algorithm of ['ES256', 'RS256']) {
    const token = await idp.token('alice', 'app', { algorithm });
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(`${idp.issuer}/jwks`)), {
      issuer: idp.issuer,
      audience: 'app',
    });
    assert.equal(payload.sub, 'alice');
  }
  await idp.close();
});

test('the cookie jar refuses what a browser refuses', () => {
  const here = new URL('http://localhost:8787/api/x');
  for (const bad of [
    '__Host-a=1; Path=/',
    '__Host-a=1; Secure; Path=/api',
    '__Host-a=1; Secure; Path=/; Domain=localhost',
  ]) {
    assert.throws(() => new Cookies().keep([bad], here), /refuses/, bad);
  }
  assert.throws(() => new Cookies().keep(['a=1; Secure'], new URL('http://app.test/')), /refuses/);
  const jar = new Cookies();
  jar.keep(['__Host-a=1; Secure; HttpOnly; Path=/'], here);
  assert.equal(jar.header(new URL('http://localhost:8787/other')), '__Host-a=1');
  assert.equal(jar.header(new URL('http://127.0.0.1:8787/')), undefined);
  jar.keep(['__Host-a=; Secure; Path=/; Max-Age=0'], here);
  assert.equal(jar.header(here), undefined);
});

test('the hunt finds what it hunts', () => {
  const planted = [['token', 'canary/a+b=']];
  for (const text of [
    'x canary/a+b= y',
    'canary%2Fa%2Bb%3D',
    Buffer.from('canary/a+b=').toString('base64'),
    { deep: [{ S: 'canary/a+b=' }] },
    { B: new TextEncoder().encode('..canary/a+b=') },
  ]) {
    assert.deepEqual(found(planted, text), ['token']);
  }
});

test('the counting proxy passes on what it counts, and leaves the schedule out', async () => {
  const upstream = createServer((request, response) => {
    request.pipe(response);
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const proxy = await AwsProxy.start(`http://127.0.0.1:${upstream.address().port}`);
  const call = async (target, body) => {
    const answer = await fetch(proxy.url, {
      method: 'POST',
      headers: { 'x-amz-target': target },
      body: JSON.stringify(body),
    });
    return answer.json();
  };
  const { result, calls } = await proxy.during(async () => {
    await call('DynamoDB_20120810.Query', { IndexName: 'due' });
    await call('AmazonSQS.ReceiveMessage', {});
    await call('TrentService.Decrypt', {});
    return call('DynamoDB_20120810.UpdateItem', { TableName: 't' });
  });
  assert.deepEqual(result, { TableName: 't' });
  assert.deepEqual(
    calls.map(({ service, operation, isWrite }) => [service, operation, isWrite]),
    [
      ['KMS', 'Decrypt', false],
      ['DynamoDB', 'UpdateItem', true],
    ],
  );
  await proxy.close();
  upstream.close();
});
