// A leaked key is revoked: every instance knows within a minute. In a file of its own, because it takes that minute.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
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

test('PUB-21 a revoked key ends within a minute, and the new one works at once', async () => {
  const made = await world.admin('POST', `/apps/${world.app.id}/keys`, { name: 'leaked' });
  const withKey = () => world.token({ ...alice, app: { ...world.app, key: made.body.key } }, connector);
  assert.equal((await withKey()).status, 200);
  const listed = await world.admin('GET', `/apps/${world.app.id}/keys`);
  assert.ok(listed.body.keys.some(({ key_id: id }) => id === made.body.key_id));
  assert.ok(!listed.text.includes(made.body.key));
  assert.equal((await world.admin('DELETE', `/apps/${world.app.id}/keys/${made.body.key_id}`)).status, 204);
  await until(61, 'the end of the revoked key', async () => ((await withKey()).status === 401 ? true : undefined));
  const next = await world.admin('POST', `/apps/${world.app.id}/keys`, { name: 'fresh' });
  assert.equal((await world.token({ ...alice, app: { ...world.app, key: next.body.key } }, connector)).status, 200);
});
