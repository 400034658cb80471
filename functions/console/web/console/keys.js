// Keys: of the workspace's admins, and of an app's backend.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { announce, ask, button, copyable, empty, heading, pill, section } from './parts.js';
import { path } from './api.js';
import { day, utcDay } from './words.js';

const OFFLINE = 'tokens:offline';

const ROLES = {
  admin: 'May change everything',
  builder: 'For assistants: may look at connectors and propose',
  read: 'May look only',
};

/** The admin keys of the workspace. */
export async function keys(context) {
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings'], ['Workspace']],
      title: 'Admin keys',
      lead: 'Whoever has one signs in to this console, or calls the API as an admin. A revoked key is refused everywhere within a minute.',
    }),
    await keyList(context, '/keys', { title: 'Keys', isOfWorkspace: true }),
  );
}

/** A section with the keys at `where`. */
export async function keyList(context, where, { title, lead, isOfWorkspace = false }) {
  const { api } = context;
  const { keys: all } = await api.get(where);
  const list = el('ul', { class: 'rows card' });
  const known = { ...context, where, isOfWorkspace };
  const show = (some) => {
    some.sort((a, b) => Boolean(a.revoked_at) - Boolean(b.revoked_at) || b.created_at.localeCompare(a.created_at));
    list.replaceChildren(...some.map((one) => row(known, one, reload)));
    list.hidden = some.length === 0;
    none.hidden = some.length > 0;
  };
  const reload = async () => show((await api.get(where)).keys);
  const add = api.mayWrite && button('Create key', { action: () => create(known, {}, reload) });
  const none = empty('key', 'No key yet', 'The backend of the app needs one to ask for tokens. It is shown once.');
  show(all);
  return section(title, { lead, actions: add && [add] }, none, list);
}

function row(known, key, reload) {
  const { api } = known;
  const name = key.name || 'Without a name';
  const may = known.isOfWorkspace
    ? ROLES[key.role]
    : key.permissions.includes(OFFLINE) && 'Also without the user’s session';
  const node = el(
    'li',
    { class: 'row' },
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, name),
      el('p', { class: 'quiet small' }, el('code', {}, key.key_id), may && ` · ${may}`),
      el('p', { class: 'quiet small' }, `Created ${day(key.created_at)} · Last used: ${utcDay(key.last_used_on)}`),
    ),
    key.revoked_at
      ? pill('', `Revoked ${day(key.revoked_at)}`)
      : api.mayWrite &&
          el(
            'div',
            { class: 'buttons' },
            button('Rotate', { label: `Rotate ${name}`, action: () => rotate(known, key, reload) }),
            button('Revoke', { kind: 'danger', label: `Revoke ${name}`, action: () => revoke(known, key, reload) }),
          ),
  );
  return node;
}

async function create(known, earlier, reload) {
  const name = field({
    label: 'Name',
    hint: 'Where it will be used, so that it can be told from others.',
    pointer: '/name',
    control: el('input', { type: 'text', maxlength: '100', value: earlier.name ?? '', autocomplete: 'off' }),
  });
  const more = known.isOfWorkspace ? role() : offline();
  const made = await ask({
    title: 'Create key',
    body: [name.node, more.node],
    yes: 'Create key',
    action: () => known.api.post(known.where, { name: name.value(), ...more.value() }),
  });
  if (!made) return;
  await reload();
  await reveal(made, 'Whoever has it can use it.');
}

function role() {
  const choice = field({
    label: 'What it may do',
    pointer: '/role',
    control: el(
      'select',
      {},
      Object.entries(ROLES).map(([value, text]) => el('option', { value }, text)),
    ),
  });
  choice.control.value = 'read';
  return { node: choice.node, value: () => ({ role: choice.control.value }) };
}

function offline() {
  const box = el('input', { type: 'checkbox' });
  const node = el(
    'label',
    { class: 'choice' },
    box,
    el(
      'span',
      {},
      'May fetch tokens without the user’s session',
      el(
        'span',
        { class: 'quiet small block' },
        'For jobs that run when nobody is there. Without it, each request needs the user’s own token.',
      ),
    ),
  );
  return { node, value: () => ({ permissions: box.checked ? [OFFLINE] : [] }) };
}

/** Makes a key like another one. Both work until the older one is revoked. */
async function rotate(known, key, reload) {
  const more = known.isOfWorkspace ? { role: key.role } : { permissions: key.permissions };
  const made = await ask({
    title: `Rotate ${key.name || key.key_id}?`,
    body: [
      el(
        'p',
        {},
        'A second key that may do the same is made. Both work; when the new one is in use, revoke the old one.',
      ),
    ],
    yes: 'Make the new key',
    action: () => known.api.post(known.where, { name: key.name, ...more }),
  });
  if (!made) return;
  await reload();
  await reveal(made, `Now let your backend use it. Then revoke the old one, ${key.key_id}.`);
}

function reveal(made, advice) {
  return ask({
    title: 'Here is the key',
    body: [
      note('warn', el('p', {}, el('strong', {}, 'It is shown this once.'), ' Only its digest is kept.')),
      copyable(made.key, 'the key'),
      el('p', { class: 'quiet' }, advice),
    ],
    yes: 'I have stored it',
    no: false,
  });
}

async function revoke(known, key, reload) {
  const done = await ask({
    title: `Revoke ${key.name || key.key_id}?`,
    body: [
      el('p', {}, 'Whoever uses it is refused within a minute. This can’t be undone.'),
      el('p', { class: 'quiet' }, `Last used: ${utcDay(key.last_used_on)}`),
    ],
    yes: 'Revoke key',
    kind: 'primary danger',
    action: () => known.api.delete(`${known.where}${path(key.key_id)}`),
  });
  if (!done) return;
  await reload();
  announce('The key is revoked.');
}
