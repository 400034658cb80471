// The minute's tick: what is due is refreshed before anybody asks. In a file of its own, because it waits for the tick.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

/** The schedule fires every minute, and the queue delivers at once. */
const TICK_SECONDS = 75;

let world;
let connector;

before(async () => {
  world = await World.open();
  connector = await world.newConnector();
});
after(() => world.close());

const refreshes = () => world.provider.journal.granted('refresh_token');

test('PUB-54 what is due is refreshed ahead, and the next read asks nobody', async () => {
  const [due, fresh] = [await world.user('due'), await world.user('fresh')];
  const old = await world.connectBriefly(due, connector, 10);
  await world.connect(fresh, connector);
  await until(TICK_SECONDS, 'a refresh ahead of time', async () => (refreshes() === 1 ? true : undefined));
  const answer = await until(10, 'the stored token', async () => {
    const seen = await world.token(due, connector, '?min_ttl=0');
    return seen.status === 200 && seen.body.access_token !== old.access_token ? seen : undefined;
  });
  assert.equal(await world.provider.accepts(answer.body.access_token), true);
  assert.equal(refreshes(), 1, 'neither the read nor the fresh connection asked the provider');
});
