// What takes its minute: the schedule between two functions, and what functions remember of keys.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';
import { DeployedProduct } from './product.mjs';

/** The schedule fires every minute, and the queue delivers within seconds. */
const TICK_SECONDS = 90;

/** A function remembers a key for a minute. */
const KEY_SECONDS = 75;

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

describe('within a minute', { concurrency: true }, () => {
  test('what is due is refreshed by the schedule, through the queue', async () => {
    const user = await world.user('due');
    const old = await world.connectBriefly(user, connector, 10);
    const before = refreshes();
    await until(TICK_SECONDS, 'a refresh ahead of time', async () => (refreshes() > before ? true : undefined));
    await until(10, 'the stored token', async () => {
      const { status, body } = await world.token(user, connector, '?min_ttl=0');
      return (status === 200 && body.access_token !== old.access_token) || undefined;
    });
  });

  test('a deleted workspace is opened by nobody', async () => {
    const stack = product.stack;
    const dev = await stack.invoke('manage-connector', { bootstrap: { workspace_name: 'Doomed' } });
    const path = `/api/workspace/${dev.workspace_id}`;
    assert.equal((await world.api.get(`${path}/apps`, { key: dev.admin_key })).status, 200);
    const deleted = await world.api.delete(`${path}?confirm=${dev.workspace_id}`, { key: dev.admin_key });
    assert.equal(deleted.status, 202, deleted.text);
    await until(KEY_SECONDS, 'the end of the workspace', async () => {
      const { status } = await world.api.get(`${path}/apps`, { key: dev.admin_key });
      return [401, 403, 404].includes(status) ? true : undefined;
    });
  });
});
