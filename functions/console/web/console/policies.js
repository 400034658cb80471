// What the workspace allows, by type of provider: two switches each.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { announce, button, empty, failure, heading, initial, section } from './parts.js';
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
      trail: [['Settings'], ['Integrations']],
      title: 'Policies',
      lead: 'What is switched off stops at once: nobody gets a token, nobody begins to connect. Connections are kept and refreshed all the while, so that they go on where they were when it is switched on again.',
    }),
    rows.length > 0
      ? el('ul', { class: 'rows card' }, rows)
      : empty('puzzle', 'Nothing is in use yet', 'Every type of provider is allowed until you switch it off.'),
    api.mayWrite && another(context, governance, providers),
  );
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
