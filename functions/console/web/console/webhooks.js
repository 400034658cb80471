// Webhooks: where the workspace has its events sent.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { announce, ask, button, copyable, empty, heading, pill, section } from './parts.js';
import { replay } from './webhook-replay.js';
import { clock, day } from './words.js';

/** The kinds of events, and what they mean. */
const EVENTS = {
  'connection.created': 'Somebody connected an account',
  'connection.reconnected': 'Somebody connected again',
  'connection.reconnect_required': 'A connection ended: its user has to connect again',
  'connection.scopes_changed': 'A provider changed what a connection may do',
  'connection.expiring': 'A connection ends soon unless its user connects again',
  'connection.disconnected': 'A connection was ended',
  'connection.revocation_failed': 'A provider did not end a grant',
  'connector.created': 'A connector was added',
  'connector.changed': 'A connector was changed',
  'connector.deleted': 'A connector was deleted',
  'connector.misconfigured': 'A provider refuses a connector’s client',
  'webhook.given_up': 'A webhook was given up',
};

const STATES = { disabled: 'Disabled', given_up: 'Given up: nothing arrived for days' };

/** How often, and how many times, it is asked whether a test has arrived. */
const ASK_EVERY_MS = 1000;
const ASKED_AT_MOST = 12;

const NOTHING_YET = 'There is no answer yet. It is tried again by itself: look here later.';

const answerOf = ({ status }) => (status ? `HTTP ${status}` : 'no answer');

/** What became of the delivery after those that are known; nothing if it takes too long. */
async function outcome(api, { id, last_delivery: known }) {
  for (let asked = 0; asked < ASKED_AT_MOST; asked += 1) {
    await new Promise((done) => setTimeout(done, ASK_EVERY_MS));
    const last = (await api.get('/webhooks')).webhooks.find((one) => one.id === id)?.last_delivery;
    if (last && last.at !== known?.at) return last;
  }
  return undefined;
}

export async function webhooks(context) {
  const { api } = context;
  const list = el('ul', { class: 'rows card' });
  const none = empty(
    'bell',
    'No webhook yet',
    'Add one to be told when something happens to a connection or connector.',
  );
  const show = ({ webhooks: all }) => {
    list.replaceChildren(...all.map((one) => row(api, one, reload)));
    list.hidden = all.length === 0;
    none.hidden = all.length > 0;
  };
  const reload = async () => show(await api.get('/webhooks'));
  const add = api.mayWrite && button('Add webhook', { action: () => create(api, reload) });
  show(await api.get('/webhooks'));
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings']],
      title: 'Webhooks',
      lead: 'Each address is told what happens here, signed as Standard Webhooks says, and tried again for three days.',
    }),
    section('Addresses', { actions: add ? [add] : [] }, none, list),
  );
}

function row(api, webhook, reload) {
  const { last_delivery: last, url } = webhook;
  const told = webhook.events.length ? webhook.events.map((one) => EVENTS[one] ?? one).join(' · ') : 'Everything';
  const went = last
    ? `Last delivery ${day(last.at)}, ${clock(last.at)}: ${last.arrived ? 'arrived' : answerOf(last)}`
    : 'Nothing was sent yet';
  const change = (body, said) => async () => {
    await api.put(`/webhooks${path(webhook.id)}`, body);
    await reload();
    announce(said);
  };
  const test = async () => {
    await api.post(`/webhooks${path(webhook.id)}/test`);
    announce('A test is on its way.');
    const went = await outcome(api, webhook);
    await reload();
    announce(went ? (went.arrived ? 'The test arrived.' : `The test was not taken: ${answerOf(went)}.`) : NOTHING_YET);
  };
  return el(
    'li',
    { class: 'row' },
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, url),
      el('p', { class: 'quiet small' }, told),
      el('p', { class: 'quiet small' }, went),
    ),
    STATES[webhook.state] && pill('', STATES[webhook.state]),
    api.mayWrite &&
      el(
        'div',
        { class: 'buttons' },
        webhook.enabled
          ? [
              button('Test', { label: `Test ${url}`, action: test }),
              button('Send again', { label: `Send again to ${url}`, action: () => replay(api, webhook) }),
              button('Disable', {
                label: `Disable ${url}`,
                action: change({ enabled: false }, 'Nothing is sent there any more.'),
              }),
            ]
          : button('Enable', {
              label: `Enable ${url}`,
              action: change(
                { enabled: true },
                'What happens from now on is sent there. For what it missed, choose “Send again”.',
              ),
            }),
        button('Edit', { label: `Edit ${url}`, action: () => edit(api, webhook, reload) }),
        button('New secret', { label: `New secret for ${url}`, action: () => rotate(api, webhook, reload) }),
        button('Delete', { kind: 'danger', label: `Delete ${url}`, action: () => remove(api, webhook, reload) }),
      ),
  );
}

/** Where to send, and what, as it is now if there is something. */
function wishes({ url: before = '', events = [] } = {}) {
  const url = field({
    label: 'Address',
    hint: 'An https address that takes POST requests.',
    pointer: '/url',
    control: el('input', { type: 'url', placeholder: 'https://', autocomplete: 'off', value: before }),
  });
  const boxes = Object.entries(EVENTS).map(([name, text]) => {
    const box = el('input', { type: 'checkbox', value: name, checked: events.includes(name) });
    return { box, node: el('label', { class: 'choice' }, box, el('span', {}, text)) };
  });
  const chosen = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
  return {
    fields: [url],
    body: [
      url.node,
      el('p', {}, 'What it is told. Choose nothing to have everything.'),
      ...boxes.map(({ node }) => node),
    ],
    values: () => ({ url: url.value(), events: chosen() }),
  };
}

async function create(api, reload) {
  const { fields, body, values } = wishes();
  const made = await ask({
    title: 'Add webhook',
    body,
    fields,
    yes: 'Add webhook',
    action: () => api.post('/webhooks', values()),
  });
  if (!made) return;
  await reload();
  await reveal(made);
}

async function edit(api, webhook, reload) {
  const { fields, body, values } = wishes(webhook);
  const done = await ask({
    title: 'Edit webhook',
    body,
    fields,
    yes: 'Save',
    action: () => api.put(`/webhooks${path(webhook.id)}`, values()),
  });
  if (!done) return;
  await reload();
  announce('Saved. What happens from now on is sent so.');
}

async function rotate(api, webhook, reload) {
  const made = await ask({
    title: 'Make a new secret?',
    body: [el('p', {}, 'For a day, deliveries are signed by both. Give the new one to the receiver by then.')],
    yes: 'Make a new secret',
    action: () => api.put(`/webhooks${path(webhook.id)}`, { rotate_secret: true }),
  });
  if (!made) return;
  await reload();
  await reveal(made);
}

function reveal(made) {
  return ask({
    title: 'Here is the secret',
    body: [
      note('warn', el('p', {}, el('strong', {}, 'It is shown this once.'), ' The receiver checks signatures with it.')),
      copyable(made.secret, 'the secret'),
    ],
    yes: 'I have stored it',
    no: false,
  });
}

async function remove(api, webhook, reload) {
  const done = await ask({
    title: 'Delete this webhook?',
    body: [el('p', {}, 'What was still to be sent there is not.')],
    yes: 'Delete webhook',
    kind: 'primary danger',
    action: () => api.delete(`/webhooks${path(webhook.id)}`),
  });
  if (!done) return;
  await reload();
  announce('The webhook is deleted.');
}
