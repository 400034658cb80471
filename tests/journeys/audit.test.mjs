// Who did what: the trail that an admin reads afterwards.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { found } from '../harness/canaries.mjs';
import { World } from '../harness/world.mjs';

let world;

before(async () => {
  world = await World.open();
});
after(() => world.close());

test('every deed is there with who did it, newest first, and no secret with it', async () => {
  const connector = await world.newConnector();
  const user = await world.user('alice');
  await world.connect(user, connector);
  await world.admin('PUT', `/connectors/${connector.id}`, { name: 'Renamed' });
  await world.disconnect(user, connector);
  await world.admin('DELETE', `/connectors/${connector.id}`);
  const { status, body, text } = await world.admin('GET', '/audit');
  assert.equal(status, 200, text);
  const times = body.events.map(({ at }) => Date.parse(at));
  assert.deepEqual(
    times,
    times.toSorted((one, other) => other - one),
  );
  const ofConnector = body.events.filter((event) => JSON.stringify(event).includes(connector.id));
  assert.ok(ofConnector.length >= 5, text);
  assert.ok(ofConnector.every(({ actor, action }) => actor && action));
  assert.ok(
    ofConnector.some(({ actor }) => actor.includes('alice')),
    'the user’s own deeds carry the user',
  );
  const secrets = [...world.provider.journal.secrets, ['service key', world.app.key], ['admin key', world.adminKey]];
  assert.deepEqual(found(secrets, text), []);
});

test('the trail is for the workspace’s admins alone', async () => {
  for (const key of [undefined, world.app.key, await world.idp.token('alice', world.app.id)]) {
    const answer = await world.api.get(`${world.workspace}/audit`, { key });
    assert.ok([401, 403].includes(answer.status), answer.text);
  }
});
