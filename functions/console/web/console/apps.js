// The apps of the workspace, and what each is registered with.
import { el, icon } from '../shared/dom.js';
import { field, lines } from '../shared/fields.js';
import { announce, empty, form, heading, initial, pill } from './parts.js';
import { count } from './words.js';

export async function apps({ api, to }) {
  const { apps: all } = await api.get('/apps');
  const add = el('a', { class: 'button primary', href: to('apps', 'new') }, icon('plus'), 'Register app');
  const rows = all.map((one) =>
    el(
      'li',
      { class: 'row' },
      initial(one.name, one.id),
      el(
        'div',
        { class: 'row-text' },
        el('h2', { class: 'as-h3' }, el('a', { class: 'whole', href: to('apps', one.id) }, one.name)),
        el('p', { class: 'quiet small' }, one.origins.join(', ') || count(0, 'origin', 'origins')),
      ),
      one.identity ? pill('good', 'Users known') : pill('warn', 'Sign-in missing'),
      icon('next'),
    ),
  );
  const text =
    'Say where it runs and who signs in its users. Then its pages can show Connect buttons, and its backend can ask for tokens.';
  return el(
    'div',
    { class: 'view' },
    heading({
      title: 'Apps',
      actions: api.mayWrite && all.length > 0 ? [add] : [],
    }),
    all.length > 0
      ? el('ul', { class: 'rows card' }, rows)
      : empty('apps', 'Register your first app', text, ...(api.mayWrite ? [add] : [])),
  );
}

export async function addApp({ api, go, to }) {
  const { fields, values } = appFields({
    name: '',
    origins: [],
    return_urls: [],
    session_binding: 'strict',
    handle_delivery: 'fragment',
  });
  const send = async () => {
    const made = await api.post('/apps', values());
    await go(to('apps', made.id));
    announce('The app is registered. Next, say who signs in its users.');
  };
  return el(
    'div',
    { class: 'view' },
    heading({ trail: [['Apps', to('apps')]], title: 'Register app' }),
    form(fields, {
      children: fields.map((one) => one.node),
      send,
      yes: 'Register app',
      cancel: el('a', { class: 'button', href: to('apps') }, 'Cancel'),
    }),
  );
}

const options = (entries) =>
  el(
    'select',
    {},
    entries.map(([value, text]) => el('option', { value }, text)),
  );

/** The fields of an app, and what is in them. */
export function appFields(app) {
  const many = (label, hint, pointer, value, placeholder) =>
    field({
      label,
      hint,
      pointer,
      control: el('textarea', { class: 'mono', rows: '3', spellcheck: 'false', placeholder, value: value.join('\n') }),
    });
  const name = field({
    label: 'Name',
    pointer: '/name',
    control: el('input', { type: 'text', value: app.name, maxlength: '100', autocomplete: 'off' }),
  });
  const origins = many(
    'Origins',
    'Whose pages may call the API: one per line.',
    '/origins',
    app.origins,
    'https://planner.example',
  );
  const returns = many(
    'Return URLs',
    'Where people may be sent back to: one per line, the first is used if none is asked for.',
    '/return_urls',
    app.return_urls,
    'https://planner.example/connected',
  );
  const binding = field({
    label: 'Who may finish a sign-in',
    hint: 'Strict keeps a forwarded link from connecting somebody to the wrong account.',
    pointer: '/session_binding',
    control: options([
      ['strict', 'Only the user who began it (strict)'],
      ['warn', 'Anybody, with a warning in the log'],
    ]),
  });
  const handle = field({
    label: 'How the one-time handle comes back',
    pointer: '/handle_delivery',
    control: options([
      ['fragment', 'Behind # in the address, for pages'],
      ['query', 'In the query, for apps that finish on their server'],
    ]),
  });
  binding.control.value = app.session_binding;
  handle.control.value = app.handle_delivery;
  const values = () => ({
    name: name.value(),
    origins: lines(origins.control.value),
    return_urls: lines(returns.control.value),
    session_binding: binding.control.value,
    handle_delivery: handle.control.value,
  });
  return { fields: [name, origins, returns, binding, handle], values };
}
