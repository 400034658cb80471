// Providers that the workspace has defined itself.
import { el, icon, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { announce, ask, button, empty, form, heading, initial, section } from './parts.js';

const EXAMPLE = `{
  "id": "acme",
  "name": "Acme",
  "authorize": { "url": "https://acme.example/oauth/authorize", "pkce": "supported" },
  "token": { "url": "https://acme.example/oauth/token", "client_auth": "basic" }
}`;

export async function providers({ api, to, again }) {
  const { providers: own } = await api.get('/providers');
  const add = el('a', { class: 'button primary', href: to('providers', 'new') }, icon('plus'), 'Define a provider');
  const remove = async (one) => {
    const done = await ask({
      title: `Delete ${one.name}?`,
      body: [
        el(
          'p',
          {},
          'Connectors that exist go on as before: each has kept what it needs. New ones can’t be made with it.',
        ),
      ],
      yes: 'Delete provider',
      kind: 'primary danger',
      action: () => api.delete(path('providers', one.integration_type)),
    });
    if (!done) return;
    api.forgetProviders();
    await again();
    announce(`${one.name} is deleted.`);
  };
  const rows = own.map((one) =>
    el(
      'li',
      { class: 'row' },
      initial(one.name, one.integration_type),
      el(
        'div',
        { class: 'row-text' },
        el('h2', { class: 'as-h3' }, one.name),
        el('p', { class: 'quiet small' }, one.oidc?.issuer ?? one.authorize.url),
      ),
      api.mayWrite &&
        el(
          'div',
          { class: 'buttons' },
          el('a', { class: 'button', href: to('connectors', 'new', one.integration_type) }, 'Add connector'),
          button('Delete', { kind: 'danger', label: `Delete ${one.name}`, action: () => remove(one) }),
        ),
    ),
  );
  const text = 'The catalogue has the well-known ones. For anything else that speaks OAuth 2, say where it is.';
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings']],
      title: 'Custom providers',
      lead: own.length > 0 && 'What this workspace has defined beside the catalogue.',
      actions: api.mayWrite && own.length > 0 ? [add] : [],
    }),
    own.length > 0
      ? el('ul', { class: 'rows card' }, rows)
      : empty('puzzle', 'No provider of your own yet', text, ...(api.mayWrite ? [add] : [])),
  );
}

export async function addProvider(context) {
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings'], ['Custom providers', context.to('providers')]],
      title: 'Define a provider',
    }),
    byIssuer(context),
    byData(context),
  );
}

async function define({ api, go, to }, definition) {
  const made = await api.post('/providers', definition);
  api.forgetProviders();
  await go(to('connectors', 'new', made.integration_type));
  announce(`${made.name} is defined. Add a connector for it.`);
}

function byIssuer(context) {
  const line = (label, pointer, more = {}, hint) =>
    field({ label, hint, pointer, control: el('input', { type: 'text', autocomplete: 'off', ...more }) });
  const name = line('Name', '/name');
  const id = line(
    'ID',
    '/id',
    { class: 'mono', spellcheck: 'false' },
    'Lower-case letters, digits, - and _. What apps call it: integration_type.',
  );
  const issuer = line('Issuer', '/issuer', {
    inputmode: 'url',
    placeholder: 'https://login.example.com',
    spellcheck: 'false',
  });
  const fields = [name, id, issuer];
  return section(
    'By its issuer',
    { lead: 'If it publishes OpenID or OAuth metadata, its address is all that is needed.' },
    form(fields, {
      children: fields.map((one) => one.node),
      yes: 'Find and define',
      also: { conflict: '/id' },
      send: () => define(context, { id: id.value(), name: name.value(), issuer: issuer.value() }),
    }),
  );
}

function byData(context) {
  const data = field({
    label: 'Definition',
    hint: 'JSON in the shape of the catalogue’s entries, or OAuth metadata with an id and a name.',
    pointer: '/definition',
    control: el('textarea', { class: 'mono', rows: '9', spellcheck: 'false', placeholder: EXAMPLE }),
  });
  const send = async () => {
    let definition;
    try {
      definition = JSON.parse(data.control.value);
    } catch (mistake) {
      data.show(`This is no JSON: ${mistake.message}`);
      data.control.focus();
      return;
    }
    await define(context, definition);
  };
  return section(
    'By its data',
    { lead: 'For one that publishes nothing, or differs from what it publishes.' },
    note('info', el('p', {}, 'Endpoints must be https and lead to a public address: secrets are sent there.')),
    form([data], { children: data.node, send, yes: 'Define', also: { conflict: '/definition' } }),
  );
}
