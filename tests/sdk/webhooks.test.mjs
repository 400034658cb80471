// Webhooks, as a receiver checks them that is written with the public library of the standard.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Webhook } from 'standardwebhooks';
import { found } from '../harness/canaries.mjs';
import { until } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

let world;
let receiver;
let hook;

/** A receiver that keeps what it was sent, and answers what it is told to. */
class Receiver {
  deliveries = [];
  status = 204;

  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      receiver.deliveries.push({ body: Buffer.concat(chunks).toString(), headers: request.headers });
      response.writeHead(receiver.status).end();
    });
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
    return receiver;
  }

  /** The first delivery of this type. */
  delivered(type) {
    return until(20, `a delivery of ${type}`, () => this.deliveries.find(({ body }) => JSON.parse(body).type === type));
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

before(async () => {
  [world, receiver] = await Promise.all([World.open(), Receiver.start()]);
  const made = await world.admin('POST', '/webhooks', { url: receiver.url });
  assert.equal(made.status, 201, made.text);
  hook = made.body;
});
after(async () => {
  receiver.close();
  await world.close();
});

test('every delivery of a connection’s life verifies, and carries no secret', async () => {
  const connector = await world.newConnector();
  const user = await world.user('alice');
  await world.connect(user, connector);
  await world.disconnect(user, connector);
  const standard = new Webhook(hook.secret);
  for (const type of ['connector.created', 'connection.created', 'connection.disconnected']) {
    const { body, headers } = await receiver.delivered(type);
    const event = standard.verify(body, headers);
    assert.deepEqual([event.type, event.version, event.id], [type, '1', headers['webhook-id']]);
    assert.equal(event.connector_id, connector.id);
  }
  const all = JSON.stringify(receiver.deliveries.map(({ body }) => body));
  const secrets = [...world.provider.journal.secrets, ['service key', world.app.key], ['webhook secret', hook.secret]];
  assert.deepEqual(found(secrets, all), []);
});

test('what was changed on its way, or signed by another secret, does not verify', async () => {
  await world.admin('POST', `/webhooks/${hook.id}/test`);
  const { body, headers } = await receiver.delivered('webhook.test');
  assert.throws(() => new Webhook(hook.secret).verify(body.replace('webhook.test', 'webhook.text'), headers));
  assert.throws(() => new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').verify(body, headers));
});

test('a receiver that was down is sent what it missed, signed anew', async () => {
  receiver.deliveries = [];
  receiver.status = 503;
  const connector = await world.newConnector();
  const first = await receiver.delivered('connector.created');
  receiver.status = 200;
  const id = first.headers['webhook-id'];
  const again = await until(30, 'a second try', () =>
    receiver.deliveries.find((one) => one !== first && one.headers['webhook-id'] === id),
  );
  const event = new Webhook(hook.secret).verify(again.body, again.headers);
  assert.equal(event.connector_id, connector.id);
});

test('both secrets sign for a while after a rotation', async () => {
  receiver.deliveries = [];
  const rotated = await world.admin('PUT', `/webhooks/${hook.id}`, { rotate_secret: true });
  await world.admin('POST', `/webhooks/${hook.id}/test`);
  const { body, headers } = await receiver.delivered('webhook.test');
  for (const secret of [hook.secret, rotated.body.secret]) new Webhook(secret).verify(body, headers);
});
