// One app: where it runs, who signs in its users, the keys of its backend.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { appFields } from './apps.js';
import { identitySection } from './identity.js';
import { keyList } from './keys.js';
import { announce, ask, button, copyable, facts, form, heading, section } from './parts.js';

export async function app(context) {
  const { api, base, parameters, to } = context;
  const where = path('apps', parameters.id);
  const [found, keys] = await Promise.all([
    api.get(where),
    keyList(context, `${where}/keys`, {
      title: 'Service keys',
      lead: 'The app’s backend shows one to get tokens. Never put one into a page.',
    }),
  ]);
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Apps', to('apps')]],
      title: found.name,
      actions: api.mayWrite ? [button('Delete app', { kind: 'danger', action: () => end(context, found) })] : [],
    }),
    section('App ID', {}, copyable(found.id, 'the app ID')),
    identitySection(context, found),
    keys,
    section(
      'Address for its agent',
      {
        lead: 'An agent within the app reaches a user’s connections there (Model Context Protocol), by an access token of that user for this address.',
      },
      copyable(`${base}/mcp/apps/${encodeURIComponent(found.id)}`, 'the address for its agent'),
    ),
    section('Where it runs', {}, api.mayWrite ? change(context, found) : look(found)),
  );
}

function change({ api, again }, found) {
  const { fields, values } = appFields(found);
  const send = async () => {
    await api.put(path('apps', found.id), values());
    await again();
    announce('Saved. It holds everywhere within a minute.');
  };
  return form(fields, { children: fields.map((one) => one.node), send, yes: 'Save' });
}

function look(found) {
  const list = (values) =>
    el(
      'ul',
      {},
      values.map((one) => el('li', {}, el('code', {}, one))),
    );
  return facts([
    ['Origins', list(found.origins)],
    ['Return URLs', list(found.return_urls)],
    ['Who may finish', found.session_binding],
    ['Handle', found.handle_delivery],
  ]);
}

async function end({ api, go, to }, found) {
  const done = await ask({
    title: `Delete ${found.name}?`,
    body: [
      note(
        'bad',
        el('p', {}, el('strong', {}, 'Its users’ connections end, and its keys open nothing any more.')),
        el('p', {}, 'The grants are ended at the providers in the background. This can’t be undone.'),
      ),
    ],
    typed: found.name,
    yes: 'Delete app',
    no: 'Keep it',
    kind: 'primary danger',
    action: () => api.delete(path('apps', found.id)),
  });
  if (!done) return;
  await go(to('apps'));
  announce(`${found.name} is deleted.`);
}
