// Where secrets may not be: in stored items, in what is printed, in any answer but the token's.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { found } from '../harness/canaries.mjs';
import { Tables } from '../harness/tables.mjs';
import { passed } from '../harness/until.mjs';
import { World } from '../harness/world.mjs';

let world;
let tables;
let connector;

before(async () => {
  world = await World.open();
  tables = new Tables(world.product.dev.endpoints.dynamodb);
  connector = await world.newConnector();
});
after(async () => {
  tables.close();
  await world.close();
});

/** Everything that must stay inside: what the provider saw, and the keys of callers. */
const secrets = (...users) => [
  ...world.provider.journal.secrets,
  ['service key', world.app.key],
  ['admin key', world.adminKey],
  ...users.map(({ jwt }) => ['user token', jwt]),
];

/** Connect both ways, park, refresh, fail, disconnect: whatever handles a secret handles it once. */
async function everyJourney() {
  const [cookie, parked, leaver, unlucky] = [
    await world.user('cookie'),
    await world.user('parked'),
    await world.user('leaver'),
    await world.user('unlucky'),
  ];
  await world.connect(cookie, connector, { browser: cookie.browser });
  const old = await world.connectBriefly(parked, connector, 3);
  await world.connect(leaver, connector);
  assert.equal((await world.disconnect(leaver, connector)).status, 200);
  await passed(old.expires_at);
  world.provider.failTokenRequests(500);
  await world.token(parked, connector);
  const begun = await world.initiate(unlucky, connector, { browser: unlucky.browser });
  await unlucky.browser.approve(begun.body.redirect_url);
  world.provider.failTokenRequests(null);
  const pending = await world.user('pending');
  await world.initiate(pending, connector);
  const waiting = await world.user('waiting');
  await waiting.browser.approve((await world.initiate(waiting, connector)).body.redirect_url);
  return [cookie, parked, leaver, unlucky, pending, waiting];
}

test('PUB-51 PUB-53 no secret is stored, printed or answered in plain', async () => {
  const users = await everyJourney();
  const all = secrets(...users);
  assert.ok(new Set(all.map(([kind]) => kind)).size >= 8, 'the doubles saw every kind of secret');
  const items = await tables.everything();
  assert.ok(items.length > 10);
  for (const { table, item } of items) assert.deepEqual(found(all, item), [], `${table} ${item.pk?.S} ${item.sk?.S}`);
  assert.deepEqual(found(all, world.product.log), [], 'printed');
  assert.ok(!world.product.log.includes('canary-'), 'no word of the provider is printed');
  const answers = all.filter(([kind]) => kind !== 'state' && kind !== 'service key');
  for (const answer of world.api.transcript) assert.deepEqual(found(answers, answer), [], answer.slice(0, 200));
});

test('two users’ equal plain texts have different ciphertexts', async () => {
  const sealed = (await connectionItems()).flatMap(({ item }) =>
    Object.values(item)
      .filter(({ B }) => B)
      .map(({ B }) => Buffer.from(B).toString('hex')),
  );
  assert.ok(sealed.length >= 2);
  assert.equal(new Set(sealed).size, sealed.length);
});

/** The items that hold sealed tokens of this connector, by what is sealed in them. */
async function connectionItems() {
  const items = await tables.everything();
  return items.filter(
    ({ item }) => item.sk?.S === `CONN#${connector.id}` && Object.values(item).some((value) => value.B),
  );
}

test('a ciphertext moved to another user’s row does not open', async () => {
  const [victim, mallory] = [await world.user('victim'), await world.user('mover')];
  await world.connect(victim, connector);
  const [mine] = [await connectionItems()].map((items) => new Set(items.map(({ item }) => item.pk.S)));
  await world.connect(mallory, connector);
  const token = (await world.token(victim, connector)).body.access_token;
  const after = await connectionItems();
  const ofMallory = after.find(({ item }) => !mine.has(item.pk.S));
  const others = after.filter(({ item }) => item.pk.S !== ofMallory.item.pk.S);
  for (const { item } of others) {
    const moved = { ...ofMallory.item, ...Object.fromEntries(Object.entries(item).filter(([, value]) => value.B)) };
    await tables.put(ofMallory.table, moved);
    const answer = await world.token(mallory, connector);
    assert.ok(answer.status >= 400, answer.text);
    assert.ok(!answer.text.includes(token));
  }
  await tables.put(ofMallory.table, ofMallory.item);
  assert.equal((await world.token(mallory, connector)).status, 200, 'put back, it opens again');
});

test('a ciphertext moved to another field of its row does not open', async () => {
  const user = await world.user('fielder');
  const before = new Set((await connectionItems()).map(({ item }) => item.pk.S));
  await world.connect(user, connector);
  const { table, item } = (await connectionItems()).find((one) => !before.has(one.item.pk.S));
  const names = Object.keys(item).filter((name) => item[name].B);
  assert.ok(names.length >= 2, 'an access and a refresh token');
  await tables.put(table, { ...item, [names[0]]: item[names[1]], [names[1]]: item[names[0]] });
  const answer = await world.token(user, connector);
  assert.ok(answer.status >= 400, answer.text);
  assert.deepEqual(found(world.provider.journal.secrets, answer.text), []);
});

test('what lies on disk is for its owner alone', async () => {
  const { dataDir } = world.product;
  const files = await readdir(dataDir);
  assert.ok(files.includes('dev.json'));
  for (const name of files.filter((file) => /\.(json|key|env)$/.test(file))) {
    assert.equal((await stat(join(dataDir, name))).mode & 0o077, 0, name);
  }
  const database = await Promise.all(
    files.filter((file) => file.includes('sqlite')).map((file) => readFile(join(dataDir, file), 'latin1')),
  );
  for (const text of database) assert.deepEqual(found(world.provider.journal.secrets, text), []);
});
