// Who vouches for people, in the console: the keys of an issuer, wherever they come from, survive a change of something else.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { IdentityProvider } from '../harness/idp.mjs';
import { assertSound, shot } from './chromium.mjs';
import { admin, button, DARK, field, SMALL, world } from './console-world.mjs';

const ADDRESS = 'Address of its keys';
const KEYS = 'Or the keys themselves';

/** An app, the page of it with the form open, and what is stored. */
async function opened(identity, options) {
  const app = await world.newApp('Of an issuer');
  const put = await world.admin('PUT', `/apps/${app.id}/identity`, { audience: app.id, ...identity });
  assert.equal(put.status, 200, put.text);
  const known = await admin(options, 'apps', app.id);
  await known.page.getByText('Change', { exact: true }).click();
  return { ...known, app, stored: async () => (await world.admin('GET', `/apps/${app.id}`)).body.identity };
}

async function save(page) {
  await button(page, 'Save sign-in').click();
  await page.getByText('Saved: its keys were found.').waitFor();
  await page.getByText('Change', { exact: true }).click();
}

test('registered keys stay when only the audience changes, and others take their place when they are pasted', async () => {
  const nowhere = 'https://login.nowhere.example';
  const known = await opened({ issuer: nowhere, jwks: await world.idp.jwks() }, { ...DARK, ...SMALL });
  const { page, app, stored } = known;
  assert.deepEqual(JSON.parse(await field(page, KEYS).inputValue()), await world.idp.jwks());
  await field(page, 'Audience').fill('another');
  await save(page);
  const { issuer, audience, jwks } = await stored();
  assert.deepEqual({ issuer, audience, jwks }, { issuer: nowhere, audience: 'another', jwks: await world.idp.jwks() });
  const jwt = await world.idp.token('alice', 'another', { claims: { iss: nowhere } });
  const checked = await world.admin('POST', `/apps/${app.id}/identity/check`, { token: jwt });
  assert.equal(checked.body.valid, true, checked.text);

  await field(page, KEYS).fill('{"keys": [');
  await button(page, 'Save sign-in').click();
  await page.getByText('Must be JSON: an object with keys.').waitFor();
  await shot(page, 'console-issuer-keys-dark-small');
  await assertSound(known, 'keys that can’t be read');
  const other = await IdentityProvider.start();
  await field(page, KEYS).fill(JSON.stringify(await other.jwks()));
  await save(page);
  assert.deepEqual((await stored()).jwks, await other.jwks());
  await other.close();
  await known.context.close();
});

test('keys are fetched from an address on this machine', async () => {
  const { page, context, stored } = await opened({
    issuer: 'https://login.nowhere.example',
    jwks: await world.idp.jwks(),
  });
  await field(page, KEYS).fill('');
  await field(page, ADDRESS).fill(`${world.idp.issuer}/jwks`);
  await save(page);
  const { jwks_uri: uri, jwks } = await stored();
  assert.deepEqual([uri, jwks], [`${world.idp.issuer}/jwks`, null]);
  await context.close();
});

test('the keys of one issuer are not those of the next', async () => {
  const other = await IdentityProvider.start();
  const { page, context, stored } = await opened({ issuer: world.idp.issuer });
  assert.equal(await field(page, ADDRESS).inputValue(), `${world.idp.issuer}/jwks`);
  await field(page, 'Issuer').fill(other.issuer);
  await field(page, 'Audience').fill('another');
  assert.equal(await field(page, ADDRESS).inputValue(), '', 'it is found anew');
  await save(page);
  assert.equal((await stored()).jwks_uri, `${other.issuer}/jwks`);
  await other.close();
  await context.close();
});

test('registered keys of the organisation stay when only who may look changes', async () => {
  const identity = {
    issuer: 'https://login.nowhere.example',
    client_id: 'console',
    admins: { claim: 'sub', values: ['grace'] },
    jwks: await world.idp.jwks(),
  };
  assert.equal((await world.admin('PUT', '/identity', identity)).status, 200);
  const { page, context } = await admin({}, 'sign-in');
  await page.getByText('Registered with it').waitFor();
  await page.getByText('Change', { exact: true }).click();
  await field(page, 'Values that make a reader').fill('linus');
  await button(page, 'Save sign-in').click();
  await page.getByText('linus').first().waitFor();
  const { jwks, readers } = (await world.admin('GET', '/identity')).body;
  assert.deepEqual([jwks, readers.values], [identity.jwks, ['linus']]);
  await world.admin('DELETE', '/identity');
  await context.close();
});
