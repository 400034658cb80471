// Stopped in the evening, started in the morning: what was connected is still connected.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Product } from '../harness/product.mjs';
import { World } from '../harness/world.mjs';

/** Ports that no machine hands out by itself: nobody takes one of them while the process is away. */
const [FIRST_PORT, PORTS] = [15_000, 10_000];

/** A port that nobody listens on. */
async function freePort() {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORTS);
    const server = createServer().listen(port, 'localhost');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return String(port);
  }
}

test('a restart keeps the demo, the keys and every connection', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'connectors-kept-'));
  const PORT = await freePort();
  const first = await Product.start({ dataDir, environment: { PORT } });
  const world = await World.open({ product: first });
  const connector = await world.newConnector();
  const user = await world.user('alice');
  await world.connect(user, connector);
  const before = await world.token(user, connector);
  await first.stop();
  assert.equal(first.child.exitCode, 0, 'it ends of its own accord when asked to');

  const second = await Product.start({ dataDir, environment: { PORT } });
  try {
    const { status, body } = await world.token(user, connector);
    assert.deepEqual([status, body.access_token], [200, before.body.access_token]);
    assert.deepEqual(
      [second.dev.workspace_id, second.dev.admin_key, second.dev.connector_id],
      [first.dev.workspace_id, first.dev.admin_key, first.dev.connector_id],
    );
  } finally {
    await second.stop();
    await world.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});
