// People of a workspace in Chromium: they sign in to the console at their own issuer, a real one.
import { beforeEach, test } from 'node:test';
import assert from 'node:assert/strict';
import { assertSound, profile, shot } from './chromium.mjs';
import { browser, button, field, title, world } from './console-world.mjs';

const CLIENT = { client_id: 'console-of-the-workspace', client_secret: 'canary-secret-of-the-console' };

beforeEach(async () => {
  await world.provider.register({ ...CLIENT, redirect_uris: [`${world.product.base}/console/signed-in`] });
  await identify();
});

/** Who vouches for the workspace's people. */
async function identify(change = {}) {
  const { status, text } = await world.admin('PUT', '/identity', {
    issuer: world.provider.issuer,
    ...CLIENT,
    admins: { claim: 'sub', values: ['grace'] },
    readers: { claim: 'sub', values: ['linus'] },
    ...change,
  });
  assert.equal(status, 200, text);
}

/** Goes to the issuer from the console's first page. */
async function leave(page, ...segments) {
  await page.goto([`${world.product.base}/console`, ...segments].join('/'));
  await field(page, 'Workspace ID').fill(world.product.dev.workspace_id);
  await button(page, 'Sign in with your organisation').click();
  await page.getByRole('heading', { name: `${CLIENT.client_id} asks for access` }).waitFor();
}

/** A profile that is signed in as this person. */
async function person(name, options, ...segments) {
  const known = await profile(browser, options);
  await leave(known.page, ...segments);
  await field(known.page, 'Account').fill(name);
  await button(known.page, 'Allow').click();
  return known;
}

test('an admin sets the sign-in up, and a person of the organisation adds a connector that the trail says is theirs', async () => {
  await world.admin('DELETE', '/identity');
  const first = await profile(browser);
  const { page: setup } = first;
  await setup.goto(`${world.product.base}/console/${world.product.dev.workspace_id}/sign-in`);
  await field(setup, 'Admin key').fill(world.adminKey);
  await button(setup, 'Sign in').click();
  await title(setup, 'Sign-in').waitFor();
  assert.equal(await setup.locator('.copyable code').textContent(), `${world.product.base}/console/signed-in`);
  await field(setup, 'Issuer').fill(world.provider.issuer);
  await field(setup, 'Client ID').fill(CLIENT.client_id);
  await field(setup, 'Client secret').fill(CLIENT.client_secret);
  await field(setup, 'Claim of admins').fill('sub');
  await button(setup, 'Save sign-in').click();
  await setup.getByText(/without one nobody would be let in/).waitFor();
  await assertSound(first, 'a rule without values');
  await field(setup, 'Values that make an admin').fill('grace');
  await field(setup, 'Claim of readers').fill('sub');
  await field(setup, 'Values that make a reader').fill('linus');
  await button(setup, 'Save sign-in').click();
  await setup.getByText('People can sign in', { exact: true }).waitFor();
  await setup.getByText('Do all that their person may, unless scopes name less').waitFor();
  await setup.getByText('Change', { exact: true }).click();
  const assistants = setup.getByRole('checkbox', { name: /^The issuer gives the scopes of assistants/ });
  await assistants.check();
  await button(setup, 'Save sign-in').click();
  await setup.getByText('Do only what the scopes of their tokens name').waitFor();
  assert.equal((await world.admin('GET', '/identity')).body.agent_scopes, true);
  await setup.getByText('Change', { exact: true }).click();
  assert.equal(await assistants.isChecked(), true);
  await shot(setup, 'console-organisation');
  await assertSound(first, 'the sign-in of the organisation');
  assert.ok(!(await setup.content()).includes(CLIENT.client_secret));
  await first.context.close();

  const known = await person('grace', {});
  const { page } = known;
  await title(page, 'Connectors').waitFor();
  assert.ok(!page.url().includes('code='), 'nothing of the sign-in stays in the address');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!kept.includes('eyJ') && !kept.includes('verifier'), kept);
  await page.getByRole('link', { name: 'Add connector' }).click();
  await field(page, 'Search providers').fill('real auth');
  await page.getByRole('link', { name: 'A real authorization server' }).click();
  await field(page, 'Connector name').fill('Added by Grace');
  await field(page, 'Client ID').fill('client-of-grace');
  await field(page, 'Client secret').fill('canary-of-grace');
  await button(page, 'Add connector').click();
  await title(page, 'Added by Grace').waitFor();
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByText(/^grace added a connector: /).waitFor();
  await assertSound(known, 'the trail');
  await shot(page, 'console-person-audit');
  await known.context.close();
});

test('a reader of the organisation is offered nothing that changes anything', async () => {
  const known = await person('linus', {}, world.product.dev.workspace_id, 'apps');
  const { page, context } = known;
  await title(page, 'Apps').waitFor();
  await page.getByText('May look only', { exact: true }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Register app' }).count(), 0);
  await context.close();
});

test('whoever is not let in is told why, and what to do', async () => {
  const told = async (known, text) => {
    await title(known.page, 'You are not signed in').waitFor();
    await known.page.getByText(text).waitFor();
    await assertSound(known, String(text));
  };
  const stranger = await person('mallory', { colorScheme: 'dark', viewport: { width: 320, height: 700 } });
  await told(stranger, /it goes by `sub`/);
  await shot(stranger.page, 'console-not-a-member-dark-small');
  await stranger.page.getByRole('link', { name: 'Back' }).click();
  await title(stranger.page, 'Sign in').waitFor();
  await stranger.context.close();

  const declined = await profile(browser);
  await leave(declined.page);
  await button(declined.page, 'Deny').click();
  await told(declined, /^You declined/);
  await declined.context.close();

  await identify({ client_secret: 'not-the-secret' });
  // What was known before is believed for a minute, by the process that read it.
  const wrong = await profile(browser);
  await leave(wrong.page);
  await wrong.page.route('**/sign-in/token', (route) =>
    route.fulfill({
      status: 502,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'sign_in_misconfigured', detail: 'It does not accept the workspace’s client.' }),
    }),
  );
  await field(wrong.page, 'Account').fill('grace');
  await button(wrong.page, 'Allow').click();
  await told(wrong, /does not accept the workspace’s client/);
  await wrong.context.close();
});

test('what comes back to a browser that asked for nothing is not taken', async () => {
  const known = await profile(browser);
  const asked = [];
  known.page.on('request', (request) => asked.push(request.url()));
  await known.page.goto(`${world.product.base}/console/signed-in?code=planted&state=planted`);
  await title(known.page, 'This sign-in was not begun here').waitFor();
  assert.ok(!asked.some((url) => url.includes('/sign-in/token')), 'the code goes nowhere');
  assert.ok(!known.page.url().includes('planted'));
  await assertSound(known, 'a sign-in from elsewhere');
  await known.context.close();
});

test('a workspace without an issuer says so at its field', async () => {
  const known = await profile(browser);
  await known.page.goto(`${world.product.base}/console`);
  await button(known.page, 'Sign in with your organisation').click();
  await known.page.getByText('Write the workspace’s ID.').waitFor();
  await field(known.page, 'Workspace ID').fill('ws_01ARZ3NDEKTSV4RRFFQ69G5FAV');
  await button(known.page, 'Sign in with your organisation').click();
  await known.page.getByText(/^Nobody can sign in to this workspace that way/).waitFor();
  await shot(known.page, 'console-sign-in-organisation');
  await assertSound(known, 'the sign-in');
  await known.context.close();
});

test('before a sign-in ends a person signs in again in a window of its own, and keeps what they typed', async () => {
  const known = await profile(browser);
  const { page, context } = known;
  let ends = 60;
  await page.route('**/sign-in/token', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), expires_at: Date.now() / 1000 + ends } });
  });
  await leave(page, world.product.dev.workspace_id, 'apps', 'new');
  await field(page, 'Account').fill('grace');
  await button(page, 'Allow').click();
  await title(page, 'Register app').waitFor();
  await field(page, 'Name').fill('Half typed');
  await page.getByText(/^Your sign-in ends at /).waitFor();
  await shot(page, 'console-renewal');
  await page.emulateMedia({ colorScheme: 'dark' });
  await shot(page, 'console-renewal-dark');
  await assertSound(known, 'a sign-in that is about to end');
  ends = 600;
  const [popup] = await Promise.all([context.waitForEvent('page'), button(page, 'Sign in again').click()]);
  // The issuer knows them still; where it asks again, they say yes again.
  await Promise.race([
    page.getByText('You are signed in again.').waitFor(),
    button(popup, 'Allow')
      .click()
      .catch(() => undefined)
      .then(() => page.getByText('You are signed in again.').waitFor()),
  ]);
  assert.equal(await field(page, 'Name').inputValue(), 'Half typed');
  assert.equal(await page.getByText(/^Your sign-in ends at /).count(), 0);
  await button(page, 'Register app').click();
  await title(page, 'Half typed').waitFor();
  assert.deepEqual(known.complaints, []);
  await context.close();
});
