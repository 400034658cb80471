// Token exchange (RFC 8693), as a library asks for it that knows nothing of this product.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import * as oauth from 'oauth4webapi';
import { World } from '../harness/world.mjs';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

let world;
let connector;
let alice;
let server;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
  alice = await world.user('alice');
  await world.connect(alice, connector);
  server = { issuer: world.product.base, token_endpoint: `${world.product.base}/oauth/token` };
});
after(() => world.close());

function exchange(authentication, parameters = {}) {
  const wanted = { subject_token: alice.jwt, subject_token_type: JWT, audience: connector.id, ...parameters };
  const options = { [oauth.allowInsecureRequests]: true };
  const client = { client_id: world.app.id };
  return oauth.genericTokenEndpointRequest(server, client, authentication, GRANT, wanted, options);
}

test('a standard client exchanges a user’s token, by either way of showing its secret', async () => {
  const { body: read } = await world.token(alice, connector);
  for (const authentication of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
    const answer = await exchange(authentication(world.app.key), { requested_token_type: ACCESS_TOKEN });
    const token = await oauth.processGenericTokenEndpointResponse(server, { client_id: world.app.id }, answer);
    assert.equal(token.access_token, read.access_token);
    assert.equal(token.issued_token_type, ACCESS_TOKEN);
    assert.equal(token.token_type, 'bearer');
    assert.equal(token.scope, read.granted_scopes.join(' '));
    assert.ok(token.expires_in > 0);
  }
});

test('a standard client understands refusals', async () => {
  const refusal = async (answer) => {
    try {
      await oauth.processGenericTokenEndpointResponse(server, { client_id: world.app.id }, await answer);
    } catch (error) {
      return error;
    }
    return assert.fail('it was not refused');
  };
  const unknown = await refusal(exchange(oauth.ClientSecretPost(world.app.key), { audience: 'con_unknown' }));
  assert.deepEqual([unknown.status, unknown.error], [400, 'invalid_target']);
  const stranger = await refusal(exchange(oauth.ClientSecretPost('wrong')));
  assert.equal(stranger.status, 401);
});
