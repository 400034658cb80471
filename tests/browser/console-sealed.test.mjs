// The keys that seal a workspace's secrets, and what assistants may do with a token, as an admin of the console meets them.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, shot } from './chromium.mjs';
import { DARK, SMALL, admin, button, changed, field, title, world } from './console-world.mjs';

const dialogOf = (page, name) => page.getByRole('dialog', { name });
const keys = async () => (await world.admin('GET', '/encryption-keys')).body.encryption_keys;

test('a new encryption key is made after a question, and seals from then on', async () => {
  const known = await admin({}, 'encryption-keys');
  const { page, context } = known;
  const before = await keys();
  await button(page, 'New key').click();
  await dialogOf(page, 'Make a new key?').getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await keys()).length, before.length, 'nothing was made');
  await button(page, 'New key').click();
  await assertSound(known, 'what is asked before');
  await dialogOf(page, 'Make a new key?').getByRole('button', { name: 'Make a new key' }).click();
  const newest = before.length + 1;
  await page.getByText(`Key ${newest} seals from now on.`).waitFor();
  await page.getByRole('heading', { level: 3, name: `Key ${newest}`, exact: true }).waitFor();
  assert.equal((await keys())[0].generation, newest);
  assert.equal(await page.getByText('Seals', { exact: true }).count(), 1);
  await shot(page, 'console-encryption-keys');
  await assertSound(known, 'encryption keys');
  await context.close();
});

test('a KMS key that can’t be used is refused beside its field, and nothing changes', async () => {
  const known = await admin({ ...DARK, ...SMALL }, 'encryption-keys');
  const { page, context } = known;
  const arn = field(page, 'ARN of a KMS key of your own');
  const before = await keys();
  await button(page, 'Use this KMS key').click();
  await page.getByText('Paste the ARN of the key.').waitFor();
  for (const wrong of ['not-an-arn', 'arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000000']) {
    await arn.fill(wrong);
    await button(page, 'Use this KMS key').click();
    await page.locator('input[aria-invalid="true"]').waitFor();
  }
  await shot(page, 'console-encryption-keys-dark-small');
  await assertSound(known, 'a KMS key that is refused');
  assert.deepEqual(await keys(), before);
  await context.close();
});

test('how far a key is, what did not open, and a KMS key of one’s own are told', async () => {
  const known = await admin({}, 'workspace');
  const { page, context } = known;
  const arn = 'arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000001';
  const made = { created_at: '2026-11-21T02:00:00Z', kms_key: arn, resealed: 1204, unopened: 3, resealed_at: null };
  await changed(page, '**/encryption-keys', () => ({
    encryption_keys: [
      { ...made, generation: 2, state: 'current' },
      { ...made, generation: 1, state: 'resealing', created_at: null, kms_key: 'deployment', resealed: 0, unopened: 0 },
    ],
  }));
  await page.getByRole('link', { name: 'Encryption keys', exact: true }).click();
  await title(page, 'Encryption keys').waitFor();
  await page.getByText('1,204 values sealed anew under it so far').waitFor();
  await page.getByText(/^3 values could not be opened/).waitFor();
  await page.getByText('Being replaced', { exact: true }).waitFor();
  await page.locator('.copyable').getByText(arn).waitFor();
  const asked = page.waitForRequest((request) => request.method() === 'PUT');
  await button(page, 'Use the deployment’s').click();
  await dialogOf(page, 'Use the deployment’s KMS key?')
    .getByRole('button', { name: 'Use the deployment’s key' })
    .click();
  assert.deepEqual((await asked).postDataJSON(), { kms_key_arn: null });
  await shot(page, 'console-encryption-keys-own');
  await context.close();
});

test('whether tokens have the scopes of assistants is ticked for an app and kept', async () => {
  const app = await world.newApp('Of assistants');
  const known = await admin({ ...DARK, ...SMALL }, 'apps', app.id);
  const { page, context } = known;
  const stored = async () => (await world.admin('GET', `/apps/${app.id}`)).body.identity;
  const box = page.getByRole('checkbox', { name: /^The issuer gives the scopes of assistants/ });
  await page.getByText('Do all that their person may, unless scopes name less').waitFor();
  await page.getByText('Change', { exact: true }).click();
  await box.check();
  await field(page, 'Address of its keys').fill('ftp://nowhere.example');
  await button(page, 'Save sign-in').click();
  await page.locator('input[aria-invalid="true"]').waitFor();
  assert.equal((await stored()).agent_scopes, false, 'nothing is saved');
  assert.equal(await box.isChecked(), true, 'what was ticked stays');
  await shot(page, 'console-app-assistants-dark-small');
  await assertSound(known, 'an app whose keys are not found');
  await field(page, 'Address of its keys').fill('');
  await button(page, 'Save sign-in').click();
  await page.getByText('Do only what the scopes of their tokens name').waitFor();
  assert.equal((await stored()).agent_scopes, true);
  await page.getByText('Change', { exact: true }).click();
  assert.equal(await box.isChecked(), true);
  await box.uncheck();
  await button(page, 'Save sign-in').click();
  await page.getByText('Do all that their person may, unless scopes name less').waitFor();
  assert.equal((await stored()).agent_scopes, false);
  await context.close();
});
