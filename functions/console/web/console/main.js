// The console: who is signed in, which view the address means, and the frame around it.
import { el, icon } from '../shared/dom.js';
import { Api } from './api.js';
import { takeArrival } from './arrival.js';
import { handOver, whyNot } from './connecting.js';
import { announcements, failure, skeleton } from './parts.js';
import { signIn } from './sign-in.js';

/** The files that views are in. Each is fetched when somebody is about to go there, or when it is needed. */
const FILES = {
  addConnector: () => import('./add-connector.js'),
  app: () => import('./app.js'),
  apps: () => import('./apps.js'),
  audit: () => import('./audit.js'),
  connector: () => import('./connector.js'),
  connectors: () => import('./connectors.js'),
  editConnector: () => import('./edit-connector.js'),
  encryptionKeys: () => import('./encryption-keys.js'),
  exportGrants: () => import('./export-grants.js'),
  findPerson: () => import('./find-person.js'),
  health: () => import('./health.js'),
  importGrants: () => import('./import-grants.js'),
  keys: () => import('./keys.js'),
  people: () => import('./people.js'),
  person: () => import('./person.js'),
  policies: () => import('./policies.js'),
  proposals: () => import('./proposals.js'),
  peopleSignIn: () => import('./people-sign-in.js'),
  providers: () => import('./providers.js'),
  revocation: () => import('./revocation.js'),
  revocations: () => import('./revocations.js'),
  webhooks: () => import('./webhooks.js'),
  workspace: () => import('./workspace.js'),
};

const NOT_LOADED =
  'This part of the console could not be loaded: the network is away, or a newer version has taken the place of this one. ' +
  'Try again. If that does not help, reload the page; then you sign in again.';

async function load(file) {
  try {
    return await FILES[file]();
  } catch {
    throw new Error(NOT_LOADED);
  }
}

function view(file, name = file) {
  const shows = async (context) => (await load(file))[name](context);
  return Object.assign(shows, { fetch: () => FILES[file]().catch(() => undefined) });
}

/** What is shown for a path below the workspace; `:` stands before what is different each time. */
const VIEWS = [
  ['connectors', view('connectors')],
  ['connectors/new', view('addConnector')],
  ['connectors/new/:type', view('addConnector')],
  ['connectors/:id', view('connector')],
  ['connectors/:id/edit', view('editConnector')],
  ['connectors/:id/people', view('people', 'peopleOf')],
  ['connectors/:id/import', view('importGrants')],
  ['connectors/:id/export', view('exportGrants')],
  ['people', view('findPerson')],
  ['people/:app/:sub', view('person')],
  ['people/:app/:sub/:issuer', view('person')],
  ['health', view('health')],
  ['policies', view('policies')],
  ['proposals/:id', view('proposals', 'proposal')],
  ['providers', view('providers')],
  ['providers/new', view('providers', 'addProvider')],
  ['apps', view('apps')],
  ['apps/new', view('apps', 'addApp')],
  ['apps/:id', view('app')],
  ['keys', view('keys')],
  ['encryption-keys', view('encryptionKeys')],
  ['revocations', view('revocations')],
  ['revocations/:id', view('revocation')],
  ['webhooks', view('webhooks')],
  ['workspace', view('workspace')],
  ['sign-in', view('peopleSignIn')],
  ['audit', view('audit')],
];

/** What is looked at every day, then what is set once, then what is hoped not to be needed. */
const MENU = [
  [
    undefined,
    [
      ['connectors', 'Connectors', 'plug'],
      ['people', 'People', 'person'],
      ['apps', 'Apps', 'apps'],
      ['health', 'Health', 'health'],
      ['audit', 'Audit', 'list'],
    ],
  ],
  [
    'Settings',
    [
      ['workspace', 'Workspace', 'house'],
      ['policies', 'Policies', 'check'],
      ['webhooks', 'Webhooks', 'bell'],
      ['sign-in', 'Sign-in', 'door'],
      ['keys', 'Admin keys', 'key'],
      ['encryption-keys', 'Encryption keys', 'lock'],
      ['providers', 'Custom providers', 'puzzle'],
    ],
  ],
  ['In an emergency', [['revocations', 'End connections', 'stop']]],
];

const base = document.querySelector('meta[name="public-base-url"]').content || location.origin;
const main = el('main', { id: 'main', tabindex: '-1' });
let api;
let renews;
let shown = 0;

/** What stands behind `/console` in an address; nothing, if it can't be read. */
const parts = (path = location.pathname) => {
  try {
    return path.split('/').slice(2).map(decodeURIComponent).filter(Boolean);
  } catch {
    return [];
  }
};
const href = (...segments) => ['/console', ...segments.map(encodeURIComponent)].join('/');

/** Where a view of this workspace is: `to('connectors', id)`. */
const to = (...segments) => href(api.workspace, ...segments);

function go(address, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  return show();
}

function matching(segments) {
  for (const [pattern, shows] of VIEWS) {
    const wanted = pattern.split('/');
    const found = {};
    const fits = (part, at) => (part.startsWith(':') ? (found[part.slice(1)] = segments[at]) : part === segments[at]);
    if (wanted.length === segments.length && wanted.every(fits)) return [shows, found];
  }
  return undefined;
}

async function show() {
  shown += 1;
  const turn = shown;
  const [workspace, ...rest] = parts();
  if (!api || (workspace && workspace !== api.workspace)) return showSignIn(workspace);
  const found = matching(rest);
  if (!found) return go(to('connectors'), { replace: true });
  mark(rest[0] === 'proposals' ? 'connectors' : rest[0]);
  main.setAttribute('aria-busy', 'true');
  main.replaceChildren(skeleton());
  const [shows, parameters] = found;
  let content;
  try {
    content = await shows({ api, base, go, to, parameters, again: show });
  } catch (problem) {
    if (turn !== shown) return undefined;
    content = failure(problem, show);
  }
  if (turn !== shown) return undefined;
  main.replaceChildren(content);
  main.removeAttribute('aria-busy');
  const title = main.querySelector('h1');
  document.title = `${title?.textContent ?? 'Not found'} · Connectors console`;
  scrollTo(0, 0);
  (title ?? main).focus({ preventScroll: true });
  return undefined;
}

function mark(section) {
  for (const link of document.querySelectorAll('.menu a')) {
    if (link.dataset.section === section) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.querySelector('.menu-button').setAttribute('aria-expanded', 'false');
}

/** Forgets the key. `why` is shown on the page that asks for one. */
function signOut(why) {
  const { workspace } = api;
  api = undefined;
  renews?.stop();
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  return showSignIn(workspace, why);
}

/** What is said where the window of a provider came back, and stays. */
function outcome({ status, isTaken }) {
  const told = whyNot(status) ?? 'The account is connected.';
  return isTaken ? `${told} You can close this window.` : told;
}

function showSignIn(workspace, why) {
  shown += 1;
  api = undefined;
  document.title = 'Sign in · Connectors console';
  const page = signIn({ workspace, why, done: enter, ended });
  document.body.replaceChildren(el('div', { class: 'sign-in-page' }, page), announcements());
  page.querySelector('input:placeholder-shown, input')?.focus();
}

/** What a person typed is kept: they are asked to sign in again beside it. Without a key there is nobody to go on as. */
const ended = () => api && (api.person ? renews.tell() : signOut('The key is not accepted any more.'));

async function enter(signedIn) {
  const renewal = signedIn.person && (await import('./renewal.js')).renewal;
  api = signedIn;
  renews = renewal?.(api);
  frame();
  return parts()[0] === api.workspace ? show() : go(to('connectors'), { replace: true });
}

/** Where one can go. On a small screen it is folded up until it is asked for. */
function menu() {
  const groups = MENU.map(([title, entries]) => [
    title && el('h2', { class: 'menu-title' }, title),
    el(
      'ul',
      {},
      entries.map(([section, text, shape]) =>
        el('li', {}, el('a', { href: to(section), 'data-section': section }, icon(shape), el('span', {}, text))),
      ),
    ),
  ]);
  const list = el('div', { id: 'menu' }, groups);
  const unfold = el(
    'button',
    { type: 'button', class: 'menu-button', 'aria-expanded': 'false', 'aria-controls': 'menu' },
    icon('menu'),
    'Menu',
  );
  unfold.addEventListener('click', () =>
    unfold.setAttribute('aria-expanded', String(unfold.getAttribute('aria-expanded') === 'false')),
  );
  return el('nav', { class: 'menu', 'aria-label': 'Console' }, unfold, list);
}

function frame() {
  document.body.replaceChildren(
    el('a', { class: 'skip', href: '#main' }, 'Skip to the content'),
    el(
      'header',
      { class: 'top' },
      el('a', { class: 'brand', href: to('connectors') }, el('span', { class: 'mark' }, icon('plug')), 'Connectors'),
      el(
        'div',
        { class: 'who' },
        el('span', { class: 'quiet small workspace', title: api.workspace }, api.workspace),
        api.person?.name && el('span', { class: 'small person' }, api.person.name),
        !api.mayWrite && el('span', { class: 'pill' }, 'May look only'),
        // Elsewhere: the key is in this tab only.
        el('a', { class: 'small', href: '/console/reference', target: '_blank', rel: 'noopener' }, 'API reference'),
        el('button', { type: 'button', onclick: () => signOut() }, 'Sign out'),
      ),
    ),
    menu(),
    main,
    renews?.node ?? '',
    announcements(),
  );
}

/** The address of a link that leads to another view; `undefined` for any other. */
function within(target) {
  const link = target.closest?.('a[href]');
  if (!link || link.target) return undefined;
  const url = new URL(link.href);
  return url.origin === location.origin && url.pathname.startsWith('/console') ? url : undefined;
}

/** Links of the console lead from view to view without a reload, which would forget the key. */
document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = within(event.target);
  if (!url) return;
  event.preventDefault();
  if (url.hash) document.getElementById(url.hash.slice(1))?.focus();
  else go(url.pathname);
});
/** Whoever points at a link, or comes to it by the keyboard, may be about to go there. */
for (const approach of ['pointerover', 'focusin'])
  document.addEventListener(approach, ({ target }) => {
    const url = within(target);
    if (url) matching(parts(url.pathname).slice(1))?.[0].fetch();
  });
addEventListener('popstate', show);
const brought = await handOver();
if (brought) showSignIn(parts()[0], outcome(brought));
const arrival = takeArrival();
if (arrival) enter(Api.ofPerson(arrival, ended));
else show();
