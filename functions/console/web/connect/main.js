// The page of a link, full or as a popup: who asks for what, and what its user wants to do about it.

import { decline, disconnect, goOn, home, open, tell } from './link.js';
import { day, knows, language, say } from './texts.js';

/** Scopes that no catalogue has to explain. */
const SIGNING_IN = ['openid', 'email', 'profile'];
const STAYING = ['offline_access', 'offline'];

const main = document.getElementById('main');
document.documentElement.lang = language;
document.documentElement.dir = say('dir');

let link;

async function start() {
  try {
    link = await open();
    ask();
  } catch (error) {
    refuse(error.code);
  }
}

/** Puts what is to be seen into the page, and the keyboard and the screen reader to its heading. */
function show(title, ...parts) {
  document.title = title;
  main.replaceChildren(...parts.filter(Boolean));
  main.querySelector('h1').focus();
}

function head(title, advice) {
  const heading = make('h1', { textContent: title, tabIndex: -1 });
  return make('div', { className: 'head' }, heading, make('p', { className: 'quiet', textContent: advice }));
}

function ask() {
  const { app, connector } = link;
  const next = make('p', { className: 'quiet small', textContent: say('next', { app, connector }) });
  const title = say('title', { connector });
  show(title, pair(), head(title, say('asks', { app, connector })), account(), permissions(), ways(), next);
}

const initial = (name) => [...name][0];

function pair() {
  const app = make('span', { className: 'app', textContent: initial(link.app) });
  const service = make('span', { className: 'service', textContent: initial(link.connector) });
  return make('div', { className: 'pair', ariaHidden: 'true' }, app, make('i'), service);
}

function account() {
  const { connection } = link;
  if (!connection) return null;
  const who = connection.account?.label ?? connection.account?.email ?? connection.account?.id;
  const facts = [
    say('since', { day: day(connection.connected_at) }),
    connection.last_used_on && say('used', { day: day(connection.last_used_on) }),
  ];
  const missing = connection.missing_scopes.join(', ');
  const needs = connection.status === 'reconnect_required' ? say('needs_renewal') : '';
  return make(
    'div',
    { className: needs || missing ? 'account warn' : 'account' },
    make('strong', { textContent: who ? say('connected_as', { account: who }) : say('is_connected') }),
    make('span', { className: 'small', textContent: facts.filter(Boolean).join(', ') }),
    needs && make('span', { className: 'small', textContent: needs }),
    missing && make('span', { className: 'small', textContent: say('missing', { scopes: missing }) }),
  );
}

/** What will be asked for, in plain words; a scope that nobody has described stands as it is. */
function permissions() {
  const lines = link.permissions.map(({ scope, description }) => {
    if (description) return make('li', { textContent: description });
    if (SIGNING_IN.includes(scope)) return say('signs_in');
    if (STAYING.includes(scope)) return say('stays');
    return make('li', {}, make('code', { textContent: scope }));
  });
  const unique = [...new Set(lines)].map((line) =>
    typeof line === 'string' ? make('li', { textContent: line }) : line,
  );
  if (!unique.length) return null;
  const title = make('h2', { textContent: say('may', { app: link.app }), id: 'may' });
  const list = make('ul', {}, ...unique);
  list.setAttribute('aria-labelledby', 'may');
  return make('div', { className: 'permissions' }, title, list);
}

function ways() {
  const { app, connector, connection, may_disconnect: mayDisconnect } = link;
  const go = button(connection ? say('reconnect') : say('continue', { connector }), 'primary');
  go.addEventListener('click', () => attempt(go, async () => location.assign(await goOn())));
  const end = mayDisconnect && button(say('disconnect'), 'plain danger');
  if (end) end.addEventListener('click', confirmEnd);
  const not = button(say('decline'), 'plain');
  not.addEventListener('click', () =>
    attempt(not, async () => {
      await decline();
      finished('denied', say('declined'), say('declined_advice', { app }));
    }),
  );
  return make('div', { className: 'ways' }, go, make('div', { className: 'rest' }, end, not));
}

function confirmEnd() {
  const { app, connector } = link;
  const keep = button(say('keep'));
  const go = button(say('disconnect'), 'primary danger');
  const title = make('h2', { textContent: say('confirm', { connector }), id: 'confirm' });
  const consequence = make('p', { className: 'quiet', textContent: say('consequence', { app }) });
  const content = make('div', {}, title, consequence, make('div', { className: 'buttons' }, keep, go));
  const dialog = make('dialog', {}, content);
  dialog.setAttribute('aria-labelledby', 'confirm');
  keep.addEventListener('click', () => dialog.close());
  go.addEventListener('click', () => attempt(go, () => end(dialog)));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

async function end(dialog) {
  const { app, connector } = link;
  const { revocation } = await disconnect().finally(() => dialog.close());
  const advice = revocation === 'pending' ? 'disconnected_pending' : 'disconnected_advice';
  finished('disconnected', say('disconnected', { connector }), say(advice, { app, connector }));
}

/** It is over: a popup tells its opener and closes, a page leads back. */
function finished(status, title, advice) {
  const isPopup = tell(link, status);
  const back = isPopup
    ? button(say('close'), 'primary')
    : make('a', { className: 'button primary', textContent: say('back', { app: link.app }) });
  if (isPopup) back.addEventListener('click', () => window.close());
  else back.href = home(link, status);
  const sign = make('div', { className: 'sign good', textContent: '✓', ariaHidden: 'true' });
  show(title, sign, head(title, advice), make('div', { className: 'ways' }, back));
  if (isPopup) window.close();
}

function refuse(code) {
  const known = knows(`${code}_advice`) ? code : 'session_expired';
  const sign = make('div', { className: 'sign bad', textContent: '!', ariaHidden: 'true' });
  const again = known === 'unreachable' && button(say('retry'), 'primary');
  if (again) again.addEventListener('click', start);
  const closes = !again && window.opener && button(say('close'), 'primary');
  if (closes) closes.addEventListener('click', () => window.close());
  const codes = make('p', { className: 'quiet small', textContent: say('code', { code }) });
  const waysOut = (again || closes) && make('div', { className: 'ways' }, again || closes);
  show(say(known), sign, head(say(known), say(`${known}_advice`)), waysOut, codes);
}

/** Runs what a button does, once at a time; what fails stands in place of the page. */
async function attempt(pressed, action) {
  if (pressed.ariaBusy === 'true') return;
  pressed.ariaBusy = 'true';
  try {
    await action();
  } catch (error) {
    refuse(error.code);
  }
}

function button(textContent, className = '') {
  return make('button', { type: 'button', textContent, className });
}

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter(Boolean));
  return element;
}

// Back from the provider by the browser's own button: the page stands as it was left.
addEventListener('pageshow', ({ persisted }) => persisted && start());
start();
