// A conversation as a builder has it with an assistant, and then two users with the app's agent: the seeded demo's own app,
// provider and calendars, every step by the official client, and every page in Chromium.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js';
import { button, launch, profile, shot } from '../browser/chromium.mjs';
import { ADMIN, client, clientWith, open, use } from './assistants.mjs';

const OPENS_PAGES = { elicitation: { url: {} } };

/** Whose calendar is whose at the demo provider, and what is in it. */
const ROBIN = {
  email: 'robin@calendar.example',
  events: ['Stand-up', 'Lunch with Priya', 'Dentist', 'Quarterly planning'],
};
const SAM = {
  email: 'sam@calendar.example',
  events: ['Interview: backend engineer', 'Climbing with Noor', '1:1 with Robin', 'Train to Gothenburg'],
};

let world;
let browser;
let assistant;
let registered;
/** All that any tool has answered, and what none may. */
const heard = [];
const secrets = [];

before(async () => {
  [world, browser] = await Promise.all([open(), launch()]);
  // The demo has a connector already: the conversation begins where there is none.
  const gone = await world.admin('DELETE', `/connectors/${world.product.dev.connector_id}`);
  assert.equal(gone.status, 202, gone.text);
  assistant = await client(world, ADMIN, world.builderUrl, OPENS_PAGES);
});
after(async () => {
  await browser?.close();
  await world?.close();
});

async function ask(who, name, args) {
  const fields = await use(who, name, args);
  heard.push(JSON.stringify(fields));
  return fields;
}

/** Uses a tool that has a page opened; answers which. */
async function page(who, name, args) {
  const error = await who.callTool({ name, arguments: args }).then(
    (result) => assert.fail(`no page was asked for: ${JSON.stringify(result)}`),
    (cause) => cause,
  );
  assert.ok(error instanceof UrlElicitationRequiredError, String(error));
  const [{ mode, url, message }] = error.elicitations;
  assert.equal(mode, 'url');
  assert.ok(message.length > 20);
  return url;
}

/** The agent of a user of the demo app, with the token that the demo's own issuer gives for its address. */
async function agentOf(user) {
  const { base, dev } = world.product;
  const url = `${base}/mcp/apps/${dev.app_id}`;
  const address = `${base}/demo/users/${user}/token?resource=${encodeURIComponent(url)}`;
  const { token } = await (await fetch(address, { method: 'POST' })).json();
  secrets.push(token);
  return clientWith(token, url, OPENS_PAGES);
}

/** A tab in which a user of the demo app is signed in there. */
async function tabOf(user) {
  const known = await profile(browser, {});
  await known.page.addInitScript((name) => sessionStorage.setItem('user', name), user);
  await known.page.goto(world.product.base);
  await known.page.locator('#week li').first().waitFor();
  return known;
}

/** The user opens the page that their agent asks for, and agrees to what is told there at the demo provider. */
async function agrees(user, whose, link, asked) {
  const { page: tab, context } = await tabOf(user);
  // The app whose agent it is shows the link, and so knows what comes back: nobody else's attempt would be finished.
  await tab.evaluate(async (address) => {
    const { configure } = await import('/connect.js');
    await configure({ app: 'shown', getToken: () => '' }).expect(address);
  }, link);
  await tab.goto(link);
  await tab.getByText(asked).waitFor();
  await shot(tab, `mcp-2-link-of-${user}`);
  await button(tab, `Continue to ${proposal.name}`).click();
  await tab.getByText(whose.email).click();
  const finished = tab.waitForResponse((answer) => /\/sessions\/[^/]+\/finish$/.test(new URL(answer.url()).pathname));
  await button(tab, 'Allow').click();
  assert.equal((await finished).status(), 200);
  await context.close();
}

/** An admin opens the page that the assistant asks for, signed in with their key; `enter` fills in what is asked. */
async function confirms(url, enter) {
  const { page: tab, context } = await profile(browser, {});
  await tab.goto(url);
  await tab.getByLabel('Admin key', { exact: true }).fill(world.adminKey);
  await button(tab, 'Sign in').click();
  await tab.locator('#main:not([aria-busy]) h1').waitFor();
  await enter?.(tab);
  await button(tab, 'Confirm').click();
  await tab.getByRole('heading', { level: 1, name: proposal.name, exact: true }).waitFor();
  await context.close();
}

const wish = { integration_type: 'demo calendar', scopes: ['profile', 'events.read'] };
const proposal = { integration_type: 'demo', scopes: wish.scopes, name: 'Team calendars', kind: 'per_user' };
const connector = {};

test('the assistant finds nothing that fits, and learns what to do', async () => {
  const found = await ask(assistant, 'find_connector', { ...wish, purpose: 'read each user’s own meetings' });
  assert.deepEqual([found.understood, found.fits, found.connectors], ['demo', false, []]);
  assert.deepEqual([found.suggested_kind, found.evidence], ['per_user', 'purpose_of_users']);
  assert.match(found.question, /account of their own/);
  assert.match(found.next_step, /add_connector/);
});

test('it reads the guide, by which a person registers a client at the provider', async () => {
  const guide = await ask(assistant, 'connector_setup_guide', { integration_type: 'demo' });
  assert.match(guide.guide, /register/);
  const body = JSON.stringify({ redirect_uris: [guide.redirect_uri], client_name: 'Planner' });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${world.product.base}/demo-provider/register`, { method: 'POST', headers, body });
  assert.equal(answer.status, 201);
  registered = await answer.json();
  secrets.push(registered.client_secret);
  Object.assign(proposal, { client_id: registered.client_id, connector_id: guide.connector_id });
  connector.connector_id = guide.connector_id;
});

test('it proposes the connector, which an admin confirms in the browser with the secret', async () => {
  const url = await page(assistant, 'add_connector', proposal);
  assert.equal(await page(assistant, 'add_connector', proposal), url, 'asked again, it is the same proposal');
  const unconfirmed = await ask(assistant, 'find_connector', wish);
  assert.equal(unconfirmed.fits, false, 'nothing is done before a person confirms');
  const connectors = async () => (await world.admin('GET', '/connectors')).body.connectors.map(({ id }) => id);
  assert.ok(!(await connectors()).includes(connector.connector_id));
  await confirms(url, async (tab) => {
    await tab.getByLabel('Client secret', { exact: true }).fill(registered.client_secret);
    await shot(tab, 'mcp-1-proposal');
  });
  assert.ok((await connectors()).includes(connector.connector_id));
  const stands = await ask(assistant, 'add_connector', proposal);
  assert.deepEqual([stands.status, stands.connector_id], ['confirmed', connector.connector_id]);
});

test('it finds the connector then, and writes the code for it', async () => {
  const found = await ask(assistant, 'find_connector', wish);
  assert.deepEqual([found.fits, found.connectors[0].connector_id], [true, connector.connector_id]);
  const { code } = await ask(assistant, 'code_for', { ...connector, for: 'frontend', style: 'connect.js' });
  assert.ok(code.includes(connector.connector_id));
});

for (const [user, whose, other] of [
  ['alice', ROBIN, SAM],
  ['bob', SAM, ROBIN],
]) {
  test(`${user} connects on the page that the agent asks for, and the agent reads their calendar and no other`, async () => {
    const agent = await agentOf(user);
    const [before] = (await ask(agent, 'list_connections')).connections;
    assert.deepEqual([before.connector_id, before.status], [connector.connector_id, 'disconnected']);
    const early = await agent.callTool({ name: 'call_api_read', arguments: { ...connector, path: '/events' } });
    assert.equal(early.isError, true, 'before anybody agreed there is nothing to read');

    const link = await page(agent, 'connect', connector);
    await agrees(user, whose, link, 'See the events in your calendar');
    assert.equal((await ask(agent, 'connect', connector)).status, 'connected');
    const [connected] = (await ask(agent, 'list_connections')).connections;
    assert.deepEqual([connected.status, connected.account], ['active', whose.email]);
    const read = await ask(agent, 'call_api_read', { ...connector, path: '/events' });
    assert.deepEqual([read.success, read.status_code, read.data.calendar], [true, 200, whose.email]);
    const titles = read.data.events.map(({ title }) => title);
    assert.deepEqual(titles, whose.events);
    assert.ok(!JSON.stringify(read).includes(other.email) && !titles.some((title) => other.events.includes(title)));
  });
}

test('the connector asks for more once a person has confirmed that, and whoever connected agrees again', async () => {
  const more = { integration_type: 'demo', kind: 'per_user', scopes: ['profile', 'events.read', 'events.write'] };
  const lacking = await ask(assistant, 'find_connector', more);
  assert.deepEqual([lacking.fits, lacking.connectors[0].missing_scopes], [false, ['events.write']]);
  assert.match(lacking.next_step, /update_connector/);
  const change = { ...connector, scopes: more.scopes };
  const url = await page(assistant, 'update_connector', change);
  await confirms(url, (tab) => tab.getByText('2 people would have to connect again').waitFor());
  assert.equal((await ask(assistant, 'update_connector', change)).status, 'confirmed');
  assert.equal((await ask(assistant, 'find_connector', more)).fits, true);

  const agent = await agentOf('alice');
  const [before] = (await ask(agent, 'list_connections')).connections;
  assert.deepEqual([before.reconnect_required, before.missing_scopes], [true, ['events.write']]);
  const link = await page(agent, 'connect', connector);
  await agrees('alice', ROBIN, link, 'Add and change events in your calendar');
  const [after] = (await ask(agent, 'list_connections')).connections;
  assert.deepEqual([after.status, after.missing_scopes, after.account], ['active', [], ROBIN.email]);
  const write = { ...connector, method: 'POST', path: '/events', body: { title: 'Lunch' } };
  const written = await ask(agent, 'call_api_write', write);
  assert.deepEqual([written.phase, written.status_code], ['responded', 405], 'the demo has nothing to write to');
  const [bobs] = (await ask(await agentOf('bob'), 'list_connections')).connections;
  assert.equal(bobs.reconnect_required, true, 'what alice has agreed to bob has not');
});

test('one disconnects through the agent, and the other goes on reading', async () => {
  const [alice, bob] = [await agentOf('alice'), await agentOf('bob')];
  assert.equal((await ask(alice, 'disconnect', connector)).status, 'disconnected');
  const refused = await alice.callTool({ name: 'call_api_read', arguments: { ...connector, path: '/events' } });
  assert.equal(refused.isError, true);
  assert.equal((await ask(alice, 'disconnect', connector)).revocation, 'none', 'to end it again changes nothing');
  const read = await ask(bob, 'call_api_read', { ...connector, path: '/events' });
  assert.equal(read.data.calendar, SAM.email);
});

test('a client that opens no pages gets the link among the fields', async () => {
  const plain = await client(world, ADMIN, world.builderUrl);
  const fields = await ask(plain, 'delete_connector', connector);
  assert.equal(fields.status, 'proposed');
  assert.match(fields.open_url, /\/console\//);
});

test('no answer and no log has a token or a secret in it', async () => {
  assert.ok(secrets.length > 3 && heard.length > 10);
  for (const secret of [...secrets, world.adminKey, world.product.dev.service_key]) {
    assert.ok(!heard.some((fields) => fields.includes(secret)));
    assert.ok(!world.product.log.includes(secret));
  }
});
