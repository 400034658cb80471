// What an assistant proposes and a workspace switches off, in Chromium, as an admin meets it.
import { beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser } from '../harness/browser.mjs';
import { assertSound, profile, shot } from './chromium.mjs';
import { MARKUP, browser, button, field, title, world } from './console-world.mjs';

const SECRET = 'canary-secret-of-the-person';

let assistant;

beforeEach(async () => {
  assistant ??= (await world.admin('POST', '/keys', { name: 'assistant', role: 'builder' })).body.key;
});

const propose = async (json) => {
  const made = await world.api.request('POST', `${world.workspace}/proposals`, { key: assistant, json });
  assert.equal(made.status, 201, made.text);
  return made.body;
};

/** Somebody who follows a link into the console and signs in there. */
async function follow(address) {
  const known = await profile(browser, {});
  const { page } = known;
  await page.goto(address);
  await field(page, 'Admin key').fill(world.adminKey);
  await button(page, 'Sign in').click();
  await page.locator('#main:not([aria-busy]) h1').waitFor();
  return known;
}

const start = (...segments) =>
  `${world.product.base}/console/${[world.product.dev.workspace_id, ...segments].join('/')}`;

test('the link of an assistant leads to what it wants, and a person confirms it with the secret', async () => {
  const connector = { integration_type: world.type, name: 'Team calendar', client_id: 'proposed', scopes: ['openid'] };
  const proposal = await propose({ kind: 'add', connector });
  const known = await follow(proposal.confirm_url);
  const { page, context } = known;
  await title(page, 'Add Team calendar?').waitFor();
  await page.getByText(proposal.redirect_uri).waitFor();
  await shot(page, 'console-proposal-add');
  await assertSound(known, 'a proposal to add');
  assert.equal(await page.locator('input').count(), 2, 'a name and the secret, and nothing else is asked for');
  await button(page, 'Confirm').click();
  await page.getByText('Paste the client secret.').waitFor();
  await field(page, 'Client secret').fill(SECRET);
  await button(page, 'Confirm').click();
  await title(page, 'Team calendar').waitFor();
  const made = await world.admin('GET', `/connectors/${proposal.connector_id}`);
  assert.deepEqual([made.body.has_client_secret, made.body.redirect_uri], [true, proposal.redirect_uri]);
  assert.ok(!(await page.content()).includes(SECRET));
  await page.goBack();
  await page.getByText('Confirmed', { exact: true }).waitFor();
  assert.equal(await button(page, 'Confirm').count(), 0, 'there is no second word');
  await context.close();
});

test('what waits is listed, read in words, and declined without anything being done', async () => {
  const connector = await world.newConnector({ name: 'Asked about' });
  const user = { ...(await world.user('alice')), browser: new Browser() };
  const begun = await world.initiate(user, connector, { browser: user.browser });
  await user.browser.approve(begun.body.redirect_url, { account: 'alice' });
  await propose({ kind: 'delete', connector_id: connector.id });
  await propose({ kind: 'update', connector_id: connector.id, connector: { name: MARKUP } });
  const known = await follow(start('connectors'));
  const { page, context } = known;
  await page.getByRole('link', { name: 'Change Asked about' }).click();
  await title(page, 'Change Asked about?').waitFor();
  await page.getByText(MARKUP).waitFor();
  await page.getByText('Nobody would have to connect again.').waitFor();
  assert.equal(await page.locator('#main img').count(), 0);
  await shot(page, 'console-proposal-update');
  await assertSound(known, 'a proposal to change');
  await button(page, 'Decline').click();
  await title(page, 'Connectors').waitFor();
  await page.getByRole('link', { name: 'Delete Asked about' }).click();
  await page.getByText('1 person would lose the connection').waitFor();
  await shot(page, 'console-proposal-delete');
  await assertSound(known, 'a proposal to delete');
  await button(page, 'Delete Asked about').click();
  await title(page, 'Connectors').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Proposed' }).count(), 0, 'nothing waits any more');
  assert.equal((await world.admin('GET', `/connectors/${connector.id}`)).status, 404);
  await context.close();
});

test('what can’t be confirmed says why, and what a revoked key had proposed says that', async () => {
  const made = await world.admin('POST', '/keys', { name: 'another assistant', role: 'builder' });
  const connector = { integration_type: world.type, name: 'Asked for', client_id: 'proposed', scopes: ['openid'] };
  const json = { kind: 'add', connector };
  const proposed = await world.api.request('POST', `${world.workspace}/proposals`, { key: made.body.key, json });
  const off = (is_on) =>
    world.admin('PUT', '/connector-governance', { integration_type: world.type, per_user_connection_enabled: is_on });
  assert.equal((await off(false)).status, 200);
  const before = await follow(proposed.body.confirm_url);
  await before.page.getByText('It can’t be confirmed now. The workspace has switched off').waitFor();
  await shot(before.page, 'console-proposal-obstacle');
  await assertSound(before, 'a proposal with an obstacle');
  assert.deepEqual(
    [await button(before.page, 'Confirm').count(), await button(before.page, 'Decline').count()],
    [0, 1],
  );
  await before.context.close();
  assert.equal((await off(true)).status, 200);
  const alike = await world.newConnector({ name: connector.name });
  const named = await follow(proposed.body.confirm_url);
  await named.page.getByText('has this name. Choose another one below.').waitFor();
  assert.equal(await field(named.page, 'Client secret').count(), 1, 'it can be confirmed under another name');
  await named.context.close();
  await world.admin('DELETE', `/connectors/${alike.id}`);
  assert.equal((await world.admin('DELETE', `/keys/${made.body.key_id}`)).status, 204);
  const { page, context } = await follow(proposed.body.confirm_url);
  await page.getByText('The key that proposed this was revoked since').waitFor();
  await page.getByText('Withdrawn', { exact: true }).waitFor();
  assert.equal(await button(page, 'Confirm').count(), 0);
  await shot(page, 'console-proposal-withdrawn');
  await context.close();
});

test('a type is switched off and on, and its people with it', async () => {
  const connector = await world.newConnector({ name: 'Governed' });
  const known = await follow(start('policies'));
  const { page, context } = known;
  const own = page.getByRole('switch', { name: 'Accounts of their own: A real authorization server' });
  assert.equal(await own.isChecked(), true);
  await shot(page, 'console-policies');
  await assertSound(known, 'policies');
  await own.click();
  await page.getByText('accounts of their own: off.').waitFor();
  const user = { ...(await world.user('bob')), browser: new Browser() };
  const refused = await world.initiate(user, connector, { browser: user.browser });
  assert.deepEqual([refused.status, refused.body.code], [403, 'blocked_by_policy']);
  await page.locator('.menu').getByRole('link', { name: 'Audit' }).click();
  await page.getByText('switched a type of provider').first().waitFor();
  await page.locator('.menu').getByRole('link', { name: 'Policies' }).click();
  assert.equal(await own.isChecked(), false, 'as it was left');
  await own.click();
  await page.getByText('on again, as it was').waitFor();
  assert.equal((await world.initiate(user, connector, { browser: user.browser })).status, 200);
  await context.close();
});

test('rules, use while users are away and the secret that is needed are said in words', async () => {
  const connector = await world.newConnector({ name: 'Without rules' });
  const rules = { methods: ['GET'], paths: [{ prefix: '/events' }] };
  const proposal = await propose({
    kind: 'update',
    connector_id: connector.id,
    connector: { call_rules: rules, offline_use: false, client_id: 'another-client' },
  });
  const known = await follow(proposal.confirm_url);
  const { page, context } = known;
  await title(page, 'Change Without rules?').waitFor();
  const said = async (name) =>
    page
      .locator('.facts > div', { has: page.getByText(name, { exact: true }) })
      .locator('dd')
      .textContent();
  assert.equal(await said('Apps may call'), 'Now: EverythingThen: GET/events');
  assert.equal(await said('While users are away'), 'Now: Apps may use itThen: Nobody gets a token');
  assert.equal(await said('Client secret'), 'Needed: whoever confirms enters it');
  await shot(page, 'console-proposal-rules');
  await assertSound(known, 'a proposal with rules');
  await button(page, 'Confirm').click();
  await page.getByText('Paste the client secret.').waitFor();
  assert.equal((await world.admin('GET', `/connectors/${connector.id}`)).body.call_rules, null, 'nothing is done');
  await field(page, 'Client secret').fill(SECRET);
  await button(page, 'Confirm').click();
  await title(page, 'Without rules').waitFor();
  const made = (await world.admin('GET', `/connectors/${connector.id}`)).body;
  assert.deepEqual([made.call_rules, made.offline_use, made.client_id], [rules, false, 'another-client']);
  await context.close();
  await world.admin('DELETE', `/connectors/${connector.id}`);
});
