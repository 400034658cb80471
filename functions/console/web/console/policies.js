// What the workspace allows, by type of provider: two switches each.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { announce, ask, button, empty, failure, heading, initial, section } from './parts.js';
import { count } from './words.js';

export async function policies(context) {
  const { api } = context;
  const [{ governance }, providers] = await Promise.all([api.get('/connector-governance'), api.providers()]);
  const named = (type) => providers.get(type)?.name ?? type;
  const rows = governance.map((one) => row(context, one, named(one.integration_type)));
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings']],
      title: 'Policies',
      actions: api.mayWrite ? all(context, governance) : [],
      lead: 'What is switched off stops at once: nobody gets a token, nobody begins to connect. Connections are kept and refreshed all the while, so that they go on where they were when it is switched on again.',
    }),
    rows.length > 0
      ? el('ul', { class: 'rows card' }, rows)
      : empty('puzzle', 'Nothing is in use yet', 'Every type of provider is allowed until you switch it off.'),
    api.mayWrite && another(context, governance, providers),
  );
}

const SWITCHES = ['builder_connection_enabled', 'per_user_connection_enabled'];

/** How many types the API switches at once. */
const MOST_AT_ONCE = 300;

/** Buttons that switch every type that is in use, at once. */
function all({ api, again }, governance) {
  const isOn = (one) => SWITCHES.some((key) => one[key]);
  const isOff = (one) => SWITCHES.some((key) => !one[key]);
  const switchAll = async (types, to) => {
    for (let from = 0; from < types.length; from += MOST_AT_ONCE) {
      const some = types.slice(from, from + MOST_AT_ONCE);
      const wishes = some.map(({ integration_type: type }) => ({
        integration_type: type,
        ...Object.fromEntries(SWITCHES.map((key) => [key, to])),
      }));
      await api.put('/connector-governance/bulk', { governance: wishes });
    }
  };
  const allOff = async () => {
    const done = await ask({
      title: 'Switch everything off?',
      body: [
        note(
          'bad',
          el('p', {}, el('strong', {}, 'No app gets a token any more, and nobody can connect.')),
          el(
            'p',
            {},
            'That goes for every type that is in use. Connections are kept, and are back when you switch it on again.',
          ),
        ),
      ],
      yes: 'Switch everything off',
      kind: 'primary danger',
      action: () => switchAll(governance.filter(isOn), false),
    });
    if (!done) return;
    await again();
    announce('Everything is off.');
  };
  const allOn = async () => {
    const done = await ask({
      title: 'Switch everything on?',
      body: [el('p', {}, 'Every type that is off comes back as it was, also those that were off for long.')],
      yes: 'Switch everything on',
      action: () => switchAll(governance.filter(isOff), true),
    });
    if (!done) return;
    await again();
    announce('Everything is on again, as it was.');
  };
  return [
    governance.some(isOff) && button('Switch all on', { action: allOn }),
    governance.some(isOn) && button('Switch all off', { kind: 'danger', action: allOff }),
  ];
}

function row(context, one, name) {
  return el(
    'li',
    { class: 'row' },
    initial(name, one.integration_type),
    el(
      'div',
      { class: 'row-text' },
      el('h2', { class: 'as-h3' }, name),
      el('p', { class: 'quiet small' }, count(one.connectors, 'connector', 'connectors')),
    ),
    toggle(context, one, 'per_user_connection_enabled', 'Accounts of their own', name),
    toggle(context, one, 'builder_connection_enabled', 'Shared account', name),
  );
}

/** A switch: what it says is what holds, so it goes back if it was not taken. */
function toggle({ api, again }, one, key, label, name) {
  const box = el('input', { type: 'checkbox', role: 'switch', checked: one[key], disabled: !api.mayWrite });
  box.setAttribute('aria-label', `${label}: ${name}`);
  const trouble = el('div', { role: 'alert' });
  box.addEventListener('change', async () => {
    box.disabled = true;
    trouble.replaceChildren();
    try {
      await api.put('/connector-governance', { integration_type: one.integration_type, [key]: box.checked });
      announce(`${name}, ${label.toLowerCase()}: ${box.checked ? 'on again, as it was' : 'off'}.`);
      box.disabled = false;
      box.focus();
    } catch (problem) {
      box.checked = !box.checked;
      box.disabled = false;
      trouble.replaceChildren(failure(problem, again));
    }
  });
  return el('div', {}, el('label', { class: 'switch' }, box, el('span', {}, label)), trouble);
}

/** A type that is not in use yet can be switched off before anybody adds it. */
function another({ api, again }, governance, providers) {
  const listed = new Set(governance.map((one) => one.integration_type));
  const left = [...providers.values()].filter((one) => !listed.has(one.integration_type));
  left.sort((a, b) => a.name.localeCompare(b.name, 'en'));
  const choices = left.map((one) => el('option', { value: one.integration_type }, one.name));
  const type = field({ label: 'Provider', pointer: '/integration_type', control: el('select', {}, choices) });
  const off = button('Switch off', {
    action: async () => {
      const both = { builder_connection_enabled: false, per_user_connection_enabled: false };
      await api.put('/connector-governance', { integration_type: type.value(), ...both });
      await again();
      announce('Switched off.');
    },
  });
  return section(
    'Switch off another type',
    { lead: 'Before anybody adds a connector of it.' },
    note('info', el('p', {}, 'Whoever adds one all the same finds it switched off.')),
    el('div', { class: 'card panel' }, type.node, el('div', { class: 'buttons' }, off)),
  );
}
