// Adding a connector: which provider, what to register there, and what came of it. The id is made here, so that the redirect
// URI is known before anything exists.
import { el, freshId, icon, note, outside } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { announce, copyable, empty, form, heading, initial, section } from './parts.js';
import { callRulesFields } from './call-rules.js';
import { offlineUseField } from './offline-use.js';
import { scopesField } from './scopes.js';
import { ulid } from './ulid.js';
import { ownVars, varField, varValues } from './vars.js';

/** How many providers are shown at once. */
const MOST_SHOWN = 60;

export async function addConnector(context) {
  const { api, parameters } = context;
  const provider = parameters.type && (await api.provider(parameters.type));
  return provider ? enter(context, provider) : choose(context, [...(await api.providers()).values()], parameters.type);
}

const trail = ({ to }) => [['Connectors', to('connectors')]];

function choose(context, providers, unknown) {
  const { to } = context;
  const search = field({
    label: 'Search providers',
    pointer: '',
    control: el('input', { type: 'search', placeholder: 'Calendar, CRM, files …', autocomplete: 'off' }),
  });
  const found = el('p', { class: 'quiet small', role: 'status' });
  const list = el('ul', { class: 'tiles' });
  const entries = providers
    .map((one) => ({ one, text: [one.name, one.integration_type, ...(one.categories ?? [])].join(' ').toLowerCase() }))
    .sort((a, b) => a.one.name.localeCompare(b.one.name, 'en'));
  const update = () => {
    const words = search.value().toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = entries.filter(({ text }) => words.every((word) => text.includes(word)));
    const named = words.length > 0 ? fitting.sort((a, b) => rank(a, words[0]) - rank(b, words[0])) : fitting;
    list.replaceChildren(...named.slice(0, MOST_SHOWN).map(({ one }) => tile(one, to)));
    found.textContent = says(named.length);
  };
  search.control.addEventListener('input', update);
  update();
  return el(
    'div',
    { class: 'view' },
    heading({ trail: trail(context), title: 'Add connector', lead: 'Whose accounts shall people be able to connect?' }),
    unknown && note('warn', el('p', {}, 'There is no provider “', unknown, '”. Choose one of these.')),
    el('div', { class: 'search' }, search.node, found, list),
    el(
      'p',
      { class: 'quiet' },
      'Not here? ',
      el('a', { href: to('providers', 'new') }, 'Define a provider of your own'),
      ': anything that speaks OAuth 2.',
    ),
  );
}

const rank = ({ one }, word) => (one.name.toLowerCase().startsWith(word) ? 0 : 1);

function says(number) {
  if (number === 0) return 'No provider fits. Try another word.';
  if (number > MOST_SHOWN) return `${number} providers, the first ${MOST_SHOWN} shown. Search to see the others.`;
  return number === 1 ? '1 provider' : `${number} providers`;
}

function tile(provider, to) {
  const about = provider.custom
    ? 'Defined by this workspace'
    : provider.categories?.join(', ') || provider.integration_type;
  return el(
    'li',
    { class: 'tile card' },
    initial(provider.name, provider.integration_type),
    el(
      'div',
      { class: 'row-text' },
      el('a', { class: 'whole', href: to('connectors', 'new', provider.integration_type) }, provider.name),
      el('p', { class: 'quiet small' }, about),
    ),
  );
}

const KINDS = [
  [
    'per_user',
    'Each person connects their own',
    'Apps act for a person with that person’s account, and with nobody else’s.',
  ],
  [
    'shared',
    'One account for the whole workspace',
    'You connect it once, and every app uses it, whoever is using the app.',
  ],
];

/** Whose accounts it connects. It stays so for ever. */
function kindField() {
  const group = freshId('kind');
  const choices = KINDS.map(([value, title, meaning]) => {
    const control = el('input', { type: 'radio', name: group, value, checked: value === 'per_user' });
    const text = el('span', {}, title, el('span', { class: 'quiet small block' }, meaning));
    return { control, node: el('label', { class: 'choice' }, control, text) };
  });
  const error = el('p', { class: 'error', hidden: true });
  const node = el(
    'fieldset',
    { class: 'field' },
    el('legend', {}, 'Whose account'),
    choices.map((one) => one.node),
    error,
  );
  const show = (text) => {
    error.textContent = text;
    error.hidden = !text;
  };
  const value = () => choices.find(({ control }) => control.checked).control.value;
  return { node, control: choices[0].control, pointer: '/kind', show, value };
}

function enter(context, provider) {
  const { api, base, go, to } = context;
  if (provider.unavailable) return unavailable(context, provider);
  const id = `con_${ulid()}`;
  const input = (more) => el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', ...more });
  const name = field({
    label: 'Connector name',
    hint: 'What people see when they are asked to connect.',
    pointer: '/name',
    control: input({ value: provider.name, maxlength: '100' }),
  });
  const clientId = field({ label: 'Client ID', pointer: '/client_id', control: input({ class: 'mono' }) });
  const secret = field({
    label: 'Client secret',
    hint: 'It is sealed with the workspace’s key and never shown again.',
    pointer: '/client_secret',
    control: el('input', { type: 'password', class: 'mono', autocomplete: 'new-password' }),
  });
  const vars = ownVars(provider).map((one) =>
    varField(one, { mayBeLeft: one[1].from === 'input', left: 'If you leave it empty, whoever connects is asked.' }),
  );
  const scopes = scopesField(provider.authorize?.scope?.default ?? [], provider.suggested_scopes);
  const kind = kindField();
  const offline = offlineUseField();
  const rules = callRulesFields();
  // What all apps share has no user who could be away.
  kind.node.addEventListener('change', () => (offline.node.hidden = kind.value() === 'shared'));
  const plain = [name, kind, clientId, secret, ...vars, scopes, offline];
  const fields = [...plain, ...rules.fields];
  const send = async () => {
    if (
      isMissing(name, 'Give the connector a name.') ||
      isMissing(clientId, `Paste the client ID from ${provider.name}.`)
    )
      return;
    await api.post('/connectors', {
      id,
      integration_type: provider.integration_type,
      name: name.value(),
      client_id: clientId.value(),
      client_secret: secret.value() || undefined,
      scopes: scopes.value(),
      connection_config: varValues(vars),
      kind: kind.value(),
      offline_use: kind.value() === 'shared' ? undefined : offline.changed(),
      call_rules: rules.changed(),
    });
    await go(to('connectors', id));
    announce(
      kind.value() === 'shared'
        ? 'The connector is added. Connect the account that all apps are to use.'
        : 'The connector is added. People can connect now.',
    );
  };
  return el(
    'div',
    { class: 'view' },
    heading({ trail: [...trail(context), ['Add', to('connectors', 'new')]], title: `Add ${provider.name}` }),
    register(provider, `${base}/api/external-auth/callback/${id}`),
    section(
      '2. Enter what you got',
      {},
      form(fields, {
        children: [...plain.map((one) => one.node), rules.node],
        send,
        yes: 'Add connector',
        also: { conflict: '/name' },
        cancel: el('a', { class: 'button', href: to('connectors') }, 'Cancel'),
      }),
    ),
  );
}

/** What has to be done at the provider first. */
function register(provider, redirectUri) {
  return section(
    `1. Register at ${provider.name}`,
    {},
    el(
      'div',
      { class: 'card panel' },
      el('h3', {}, 'Redirect URI'),
      el(
        'p',
        { class: 'quiet' },
        'Register exactly this address with your OAuth client. It is the connector’s for ever.',
      ),
      copyable(redirectUri, 'the redirect URI'),
      provider.setup && el('h3', {}, 'How to get a client'),
      provider.setup && el('p', { class: 'prose' }, provider.setup),
      provider.docs_url && el('p', {}, outside(provider.docs_url, `Documentation of ${provider.name}`)),
    ),
  );
}

function isMissing(one, text) {
  if (one.value()) return false;
  one.show(text);
  one.control.focus();
  return true;
}

function unavailable(context, provider) {
  const back = el(
    'a',
    { class: 'button', href: context.to('connectors', 'new') },
    icon('back'),
    'Choose another provider',
  );
  return el(
    'div',
    { class: 'view' },
    heading({ trail: trail(context), title: `Add ${provider.name}` }),
    empty('alert', 'This can’t be added today', provider.unavailable, back),
  );
}
