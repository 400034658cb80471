/*! connect.js 1.0.0: Connect buttons for an app's users */
const TEXTS = '@texts:connect-js@';
const TAGS = ['connect-button', 'user-connectors'];
const CHANNEL = 'connect.js ';
const SESSION = /^ses_[\w-]{43}$/;
const SESSION_LIFE = 600_000; // ms, as long as a session lives
const PATIENCE = 700; // ms in which the page that opened a popup answers it

/** Why something did not work. `code` is for programs, `message` can be shown to the user. */
export class ConnectError extends Error {
  constructor(code, status = 0) {
    super(code);
    Object.assign(this, { name: 'ConnectError', code, status });
  }
}

// What the way back from the provider left in the address is taken, and the address cleaned, before anything else runs.
const returned = globalThis.document ? takeReturn() : null;
const how = returned && begunAs(returned.session_id);
const handedOver = returned && how !== 'here' ? handOver(returned) : Promise.resolve(false);
let isSettled = !returned;

function takeReturn() {
  const url = new URL(location.href);
  const [query, fragment] = [url.searchParams, new URLSearchParams(url.hash.slice(1))];
  const [session_id, status] = [query.get('session_id'), query.get('status')];
  if (!SESSION.test(session_id ?? '') || !status) return null;
  const handle = fragment.get('handle') ?? query.get('handle');
  for (const name of ['session_id', 'status', 'handle']) query.delete(name);
  if (fragment.has('handle')) url.hash = '';
  history.replaceState(history.state, '', url.href.replace(/#$/, ''));
  return { session_id, status, handle };
}

/** A popup gives what it brought to the page that opened it, which is of the same origin, and closes. */
function handOver(brought) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(CHANNEL + brought.session_id);
    const end = (isTaken) => {
      clearTimeout(timer);
      channel.close();
      resolve(isTaken);
      if (isTaken) window.close();
    };
    const timer = setTimeout(end, PATIENCE, false);
    channel.onmessage = ({ data }) => data === 'taken' && end(true);
    channel.postMessage(brought);
  });
}

// What pages of this origin began, by session: in this tab, in a popup, or elsewhere and expected.
function begunAs(session) {
  try {
    return localStorage.getItem(CHANNEL + session)?.split(' ')[0];
  } catch {
    return undefined;
  }
}

function remember(session, how) {
  try {
    for (const key of Object.keys(localStorage))
      if (key.startsWith(CHANNEL) && Date.now() - localStorage[key].split(' ')[1] > SESSION_LIFE)
        delete localStorage[key];
    localStorage[CHANNEL + session] = `${how} ${Date.now()}`;
  } catch {
    // Without storage nothing that comes back by redirect is known to be begun here.
  }
}

/** Whether a page of this origin opened this window for what came back. */
function isPopupOfOurs() {
  try {
    return how !== 'here' && opener.origin === origin;
  } catch {
    return false;
  }
}

function openPopup() {
  const [left, top] = [screenX + (outerWidth - 520) / 2, screenY + (outerHeight - 720) / 2];
  const popup = window.open('', '_blank', `popup,width=520,height=720,left=${left},top=${top}`);
  if (!popup || popup.closed) return null;
  popup.opener = null; // What the provider shows there can't reach back to this page.
  return popup;
}

/** The connectors of one app, for its signed-in user. Fires `connected`, `disconnected`, `failed` and `change`. */
export class Connectors extends EventTarget {
  #listing;
  #tabs;

  constructor({
    app,
    api = new URL(import.meta.url).origin,
    getToken,
    mode = 'redirect',
    returnTo,
    lang,
    finish = 'own',
  }) {
    super();
    if (!app || typeof getToken !== 'function') throw new TypeError('connect.js: app, getToken');
    Object.assign(this, { app, api: api.replace(/\/$/, ''), getToken, mode, returnTo, lang, finish });
    this.#tabs = new BroadcastChannel(CHANNEL + app);
    this.#tabs.onmessage = ({ data }) => this.#changed(...data);
  }

  /** The app's connectors and how each stands for this user. */
  list({ fresh = false } = {}) {
    if (fresh || !this.#listing) {
      this.#listing = this.#ask('GET', '/connectors').then(({ connectors }) => connectors);
      this.#listing.catch(() => (this.#listing = undefined));
    }
    return this.#listing;
  }

  /**
   * Connects, or connects again. In redirect mode this page is left and nothing comes back here. In popup mode, which has
   * to be asked for within a click, the promise tells how it went; a popup that is blocked becomes a redirect.
   */
  connect(id, { mode = this.mode, returnTo = this.returnTo, scopes, loginHint } = {}) {
    const popup = mode === 'popup' ? openPopup() : null;
    return this.#connect(id, { return_to: returnTo, scopes, login_hint: loginHint }, popup);
  }

  async #connect(id, wishes, popup) {
    let begun;
    try {
      begun = await this.#ask('POST', `/connectors/${encodeURIComponent(id)}/initiate`, wishes);
    } catch (error) {
      popup?.close();
      throw this.#fail(error, id);
    }
    if (!popup) {
      remember(begun.session_id, 'here');
      location.assign(begun.redirect_url);
      return new Promise(() => {});
    }
    if (popup.closed) return { status: 'closed', connector_id: id };
    remember(begun.session_id, 'popup');
    const outcome = this.#outcome(id, begun.session_id, popup);
    popup.location.replace(begun.redirect_url);
    return outcome;
  }

  #outcome(id, session, popup) {
    return new Promise((resolve, reject) => {
      const channel = new BroadcastChannel(CHANNEL + session);
      const end = () => [clearInterval(watch), clearTimeout(life), channel.close()];
      const settle = (brought) => [end(), this.settle(brought).then(resolve, reject)];
      channel.onmessage = ({ data }) => {
        if (data?.session_id !== session) return;
        channel.postMessage('taken');
        popup.close();
        settle(data);
      };
      // A provider may cut the tie to its window, which then looks closed: a late return is still taken.
      const watch = setInterval(async () => {
        if (!popup.closed) return;
        clearInterval(watch);
        const { status } = await this.#session(session).catch(() => ({}));
        if (['completed', 'failed'].includes(status)) settle({ session_id: session });
        else resolve({ status: 'closed', connector_id: id });
      }, 500);
      const life = setTimeout(end, SESSION_LIFE);
    });
  }

  /**
   * Says that a session which something else begins is this page's: by its id, or by where it leads (a link, or what the
   * SDK answers). What nobody here began is not finished: somebody else's account may be at the end of it.
   */
  async expect(address) {
    const state = new URL(address, origin).searchParams.get('state');
    const digest = state && new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(state)));
    const base64 =
      state &&
      btoa(String.fromCharCode(...digest))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replace('=', '');
    remember(state ? `ses_${base64}` : address.match(/ses_[\w-]{43}/)[0], 'expected');
    return address;
  }

  /** Finishes what came back from the provider in the name of this user. Pages need not call it. */
  async settle({ session_id, status, handle }) {
    let seen;
    try {
      if (handle) await this.#finish(session_id, handle);
      seen = await this.#session(session_id);
    } catch (error) {
      throw this.#fail(error.status === 404 ? new ConnectError('session_user_mismatch', 404) : error, null, session_id);
    }
    const { connector_id, status: now, reason } = seen;
    if (reason === 'disconnected') return this.#change(reason, { status: reason, connector_id, session_id });
    if (now !== 'completed') throw this.#fail(new ConnectError(reason ?? status ?? now), connector_id, session_id);
    return this.#change('connected', { status: 'completed', connector_id, session_id });
  }

  /** Takes what came back to this page, if it was begun here. */
  async arrive(brought) {
    const isOurs = how || !brought.handle || this.finish === 'all';
    if (!isOurs) throw this.#fail(new ConnectError('not_begun_here'), null, brought.session_id);
    return this.settle(brought);
  }

  async #finish(session, handle) {
    try {
      await this.#ask('POST', `/sessions/${session}/finish`, { handle });
    } catch (error) {
      // Whether an answer that was lost, or somebody else's, finished it: the session knows.
      if (error.status !== 409 && error.code !== 'network') throw error;
      const { status } = await this.#session(session);
      if (status === 'awaiting_finish') return this.#ask('POST', `/sessions/${session}/finish`, { handle });
    }
  }

  #session(session) {
    return this.#ask('GET', `/sessions/${session}`);
  }

  /** Disconnects: at once here, and at the provider as soon as it answers. */
  async disconnect(id) {
    try {
      const { revocation } = await this.#ask('DELETE', `/connectors/${encodeURIComponent(id)}`);
      return this.#change('disconnected', { status: 'disconnected', connector_id: id, revocation });
    } catch (error) {
      throw this.#fail(error, id);
    }
  }

  /** Here, and in every other tab that shows the app. */
  #change(type, detail) {
    this.#tabs.postMessage([type, detail]);
    return this.#changed(type, detail);
  }

  #changed(type, detail) {
    this.#listing = undefined;
    this.dispatchEvent(new Event('change'));
    return this.#tell(type, detail);
  }

  #fail(error, connector_id, session_id) {
    const known = error instanceof ConnectError ? error : new ConnectError('other');
    known.message = text(this.lang, `failed.${known.code}`) ?? text(this.lang, 'failed.other');
    const { code: reason, message } = known;
    this.#tell('failed', {
      status: reason === 'denied' ? 'denied' : 'failed',
      connector_id,
      session_id,
      reason,
      message,
    });
    return known;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    return detail;
  }

  async #ask(method, path, body) {
    for (let isSecond = false; ; isSecond = true) {
      const token = await this.getToken({ fresh: isSecond });
      if (!token) throw new ConnectError('unauthorized', 401);
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const address = `${this.api}/api/apps/${encodeURIComponent(this.app)}/app-user-auth${path}`;
      let answer;
      try {
        answer = await fetch(address, { method, headers, body: body && JSON.stringify(body), cache: 'no-store' });
      } catch {
        throw new ConnectError('network');
      }
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) return said;
      // A token that has just ended is worth one more try with another.
      if (answer.status !== 401 || isSecond) throw new ConnectError(said.code ?? 'other', answer.status);
    }
  }
}

const known = new Map();
let first;

/** Says which app this is and how its user proves who they are; the first one is the default. */
export function configure(options) {
  const connectors = new Connectors(options);
  known.set(connectors.app, connectors);
  first = known.get(first?.app) ?? connectors;
  document.querySelectorAll(TAGS.join()).forEach((one) => one.update?.());
  if (!isSettled) {
    isSettled = true;
    handedOver
      .then((isTaken) => isTaken || connectors.arrive(returned))
      .then(() => isPopupOfOurs() && window.close())
      .catch(() => {}); // `failed` has told it.
  }
  return connectors;
}

/** `Connectors.connect` of the default app, which has to be configured before. */
export const connect = (id, wishes) => first.connect(id, wishes);
/** `Connectors.disconnect` of the default app. */
export const disconnect = (id) => first.disconnect(id);
/** `Connectors.list` of the default app. */
export const list = (wish) => first.list(wish);

function language(wanted) {
  const wishes = [wanted, document.documentElement.lang, ...(navigator.languages ?? []), 'en'];
  return wishes.map((wish) => wish?.split('-')[0].toLowerCase()).find((wish) => Object.hasOwn(TEXTS, wish ?? ''));
}

/** A name of another direction must not turn its sentence around (UAX #9, isolates). */
function setApart(name, direction) {
  return direction === 'rtl' || /[\u0590-\u08ff]/.test(name) ? `\u2068${name}\u2069` : name;
}

function text(lang, key, values = {}) {
  const [texts, at] = [TEXTS[language(lang)], (name) => TEXTS.keys.indexOf(name)];
  return texts[at(key)]?.replace(/\{(\w+)\}/g, (_, name) => setApart(values[name], texts[at('dir')]));
}

const STYLE = `
:host { display: block; color-scheme: light dark; --accent: var(--connect-accent, light-dark(#12695a, #6fd3bd));
  --on-accent: var(--connect-on-accent, light-dark(#fff, #06231d)); --ink: var(--connect-ink, light-dark(#1b211f, #e9eeeb));
  --quiet: var(--connect-quiet, light-dark(#59625e, #a3aeaa)); --line: var(--connect-line, light-dark(#dfe2dd, #303734));
  --surface: var(--connect-surface, light-dark(#fff, #1a1e1c)); --good: var(--connect-good, light-dark(#17693f, #79d29f));
  --warn: var(--connect-warn, light-dark(#855000, #f0bd68)); --bad: var(--connect-bad, light-dark(#b0261d, #ff9d92));
  --radius: var(--connect-radius, 0.75rem); color: var(--ink); font: var(--connect-font, 1rem/1.5 system-ui, sans-serif); }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
ul { display: grid; gap: var(--connect-gap, 0.75rem); margin: 0; padding: 0; list-style: none; }
.item { display: flex; flex-wrap: wrap; gap: 0.75rem 1rem; align-items: center; }
li.item { padding: 1rem 1.125rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); }
.mark { display: grid; place-items: center; flex: none; width: 2.5rem; height: 2.5rem; border-radius: 0.625rem; font-weight: 600;
  color: var(--accent); background: color-mix(in srgb, var(--accent) 14%, transparent); }
.about { flex: 1 1 11rem; min-width: 0; overflow-wrap: anywhere; }
.name { font-weight: 600; }
.state { display: flex; gap: 0.5rem; align-items: baseline; color: var(--quiet); font-size: 0.9375em; }
.state::before { content: ''; flex: none; width: 0.5em; height: 0.5em; border: 2px solid currentColor; border-radius: 50%; }
.good .state::before { color: var(--good); background: var(--good); }
.warn .state::before { color: var(--warn); background: var(--warn); }
.note { color: var(--quiet); font-size: 0.875em; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; }
button { min-height: 2.75rem; padding: 0.375rem 1rem; border: 1px solid var(--line); border-radius: calc(var(--radius) * 0.85);
  background: var(--surface); color: inherit; font: inherit; font-weight: 500; cursor: pointer; }
button:hover { border-color: var(--accent); }
button.primary { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
button.danger { border-color: var(--bad); color: var(--bad); }
button[aria-disabled='true'] { opacity: 0.6; cursor: progress; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.message { margin: 0.75rem 0 0; }
.message:empty { display: none; }
.bad { color: var(--bad); }
dialog { width: min(26rem, calc(100vw - 2rem)); padding: 1.5rem; border: 1px solid var(--line); border-radius: var(--radius);
  background: var(--surface); color: var(--ink); }
dialog::backdrop { background: rgb(0 0 0 / 0.45); }
dialog h2 { margin: 0 0 0.5rem; font-size: 1.125rem; }
dialog p { margin: 0 0 1.25rem; color: var(--quiet); }
.skeleton { width: 11rem; height: 2.75rem; border-radius: var(--radius); background: var(--line); animation: breathe 1.6s infinite; }
@keyframes breathe { 50% { opacity: 0.4; } }
@media (prefers-reduced-motion: reduce) { .skeleton { animation: none; } }
@media (max-width: 26rem) { .buttons, button { flex: 1 1 auto; } }`;

let sheet;

function make(tag, { className, part = className?.split(' ')[0], ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (className) element.className = className;
  if (part) element.setAttribute('part', part);
  element.append(...children.filter(Boolean));
  return element;
}

// Where there is no page, nothing is shown, and importing this for its types or functions is no mistake.
const Base = globalThis.HTMLElement ?? class {};

class ConnectElement extends Base {
  static observedAttributes = ['app', 'connector', 'lang', 'mode'];
  #content = make('div', {}, make('div', { className: 'skeleton' }));
  #message = make('p', { className: 'message', role: 'status' });
  #box = make('div', {}, this.#content, this.#message);
  #connectors;
  #busy;
  #turn;

  constructor() {
    super();
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(STYLE);
    this.attachShadow({ mode: 'open' }).append(this.#box);
    this.shadowRoot.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    window.addEventListener('pageshow', this);
    this.update();
  }

  disconnectedCallback() {
    window.removeEventListener('pageshow', this);
    this.#follow(null);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.update();
  }

  #lang() {
    return this.getAttribute('lang') ?? this.#connectors?.lang ?? this.closest('[lang]')?.lang;
  }

  t(key, values) {
    return text(this.#lang(), key, values);
  }

  #follow(connectors) {
    if (connectors === this.#connectors) return;
    for (const type of ['connected', 'disconnected', 'failed', 'change']) {
      this.#connectors?.removeEventListener(type, this);
      connectors?.addEventListener(type, this);
    }
    this.#connectors = connectors;
  }

  /** What the connectors tell, told on as this element's own if it is about what it shows. */
  async handleEvent({ type, detail, persisted }) {
    if (type === 'pageshow' && persisted) [(this.#busy = undefined), this.#say('')];
    if (type === 'pageshow') return persisted && this.update();
    if (type === 'change') return this.update();
    const [own, id] = [this.getAttribute('connector'), detail.connector_id];
    const isOurs = id ? !own || own === id : document.querySelector(TAGS.join()) === this;
    if (!isOurs) return;
    const all = type === 'failed' ? [] : await this.#connectors.list().catch(() => []);
    if (type === 'failed') this.#say(detail.message, 'bad');
    else this.#say(this.t(type, { name: all.find(({ connector_id }) => connector_id === id)?.name ?? '' }));
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  #shown;

  /** Shows how things stand now. */
  async update() {
    const app = this.getAttribute('app');
    const connectors = app ? known.get(app) : first;
    this.#box.dir = this.t('dir');
    this.#box.lang = language(this.#lang());
    if (!connectors) return;
    this.#follow(connectors);
    const turn = (this.#turn = {});
    try {
      const all = await connectors.list();
      if (turn !== this.#turn) return;
      const wanted = this.getAttribute('connector');
      this.#shown = wanted ? all.filter(({ connector_id }) => connector_id === wanted) : all;
      this.#show();
    } catch (error) {
      if (turn !== this.#turn) return;
      const again = make('button', { type: 'button', className: 'button', textContent: this.t('retry') });
      again.onclick = () => [this.#say(''), this.update()];
      this.#content.replaceChildren(again);
      this.#say(this.t(`failed.${error.code}`) ?? this.t('failed.other'), 'bad');
    }
  }

  #show() {
    const focused = this.shadowRoot.activeElement?.dataset;
    const isList = !this.hasAttribute('connector');
    const items = this.#shown.map((item) => this.#item(item, isList));
    const empty = make('p', { className: 'note', textContent: this.t('empty') });
    if (!items.length) this.#content.replaceChildren(empty);
    else this.#content.replaceChildren(...(isList ? [make('ul', { className: 'list' }, ...items)] : items));
    if (focused?.id) {
      const same = [...this.#content.querySelectorAll('button')].filter(({ dataset }) => dataset.id === focused.id);
      (same.find(({ dataset }) => dataset.verb === focused.verb) ?? same[0])?.focus();
    }
  }

  #item(item, isList) {
    const { connector_id: id, name, status, account, missing_scopes: missing = [] } = item;
    const isConnected = status !== 'disconnected' && status !== 'disabled';
    const who = account?.label ?? account?.email ?? account?.id;
    const isFine = status === 'active' || status === 'degraded';
    const fine = who ? this.t('connected_as', { account: who }) : this.t('is_connected');
    const isOff = status === 'disabled';
    const state = isFine ? fine : this.t(isConnected ? 'renew' : isOff ? 'off' : 'not_connected');
    const about = make(
      'div',
      { className: 'about' },
      isList && make('div', { className: 'name', textContent: name }),
      (isList || isConnected || isOff) && make('div', { className: 'state', textContent: state }),
      missing.length > 0 &&
        isConnected &&
        make('div', { className: 'note', textContent: this.t('missing', { scopes: missing.join(', ') }) }),
    );
    const verb = isConnected ? 'reconnect' : 'connect';
    const connect = this.#button(id, verb, name, isList, isFine && !missing.length ? '' : 'primary');
    connect.onclick = () => {
      const mode = this.getAttribute('mode') ?? this.#connectors.mode;
      this.#run(id, mode === 'popup' ? 'opened' : 'working', (connectors) => connectors.connect(id, { mode }));
    };
    const disconnect = isConnected && this.#button(id, 'disconnect', name, isList, '');
    if (disconnect) disconnect.onclick = () => this.#confirm(id, name);
    return make(
      isList ? 'li' : 'div',
      { className: `item ${isFine ? 'good' : isConnected ? 'warn' : ''}` },
      isList && make('span', { className: 'mark', textContent: [...name][0], ariaHidden: 'true' }),
      (isList || isConnected || isOff) && about,
      // Nobody can begin what is switched off.
      !isOff && make('div', { className: 'buttons' }, disconnect, connect),
    );
  }

  #button(id, verb, name, isList, className) {
    const button = make('button', { type: 'button', className, part: `button ${verb}` });
    button.textContent = isList || verb !== 'connect' ? this.t(verb) : this.t('connect_name', { name });
    button.setAttribute(
      'aria-label',
      verb === 'connect' ? this.t('connect_name', { name }) : `${this.t(verb)}: ${name}`,
    );
    Object.assign(button.dataset, { id, verb });
    if (this.#busy === id) button.setAttribute('aria-disabled', 'true');
    return button;
  }

  /** Buttons stay enabled while something is under way: a disabled one would lose the keyboard's focus. */
  async #run(id, sentence, action) {
    if (this.#busy) return;
    this.#busy = id;
    const running = action(this.#connectors);
    this.#say(this.t(sentence));
    this.#show();
    const { status } = await running.catch(() => ({})); // `failed` has told it.
    this.#busy = undefined;
    if (status === 'closed') this.#say('');
    this.update();
  }

  #confirm(id, name) {
    const keep = make('button', { type: 'button', className: 'button', textContent: this.t('keep') });
    const go = make('button', {
      type: 'button',
      className: 'danger',
      part: 'button danger',
      textContent: this.t('disconnect'),
    });
    const title = make('h2', { id: 'title', textContent: this.t('confirm', { name }) });
    const buttons = make('div', { className: 'buttons' }, keep, go);
    const dialog = make(
      'dialog',
      { className: 'dialog' },
      title,
      make('p', { textContent: this.t('consequence', { name }) }),
      buttons,
    );
    dialog.setAttribute('aria-labelledby', 'title');
    keep.onclick = () => dialog.close();
    go.onclick = () => [dialog.close(), this.#run(id, 'working', (connectors) => connectors.disconnect(id))];
    dialog.onclose = () => dialog.remove();
    // Not in the content, which is drawn anew.
    this.#box.append(dialog);
    dialog.showModal();
  }

  #say(sentence, className = '') {
    this.#message.textContent = sentence;
    this.#message.className = `message ${className}`;
  }
}

if (globalThis.customElements) {
  for (const name of TAGS) if (!customElements.get(name)) customElements.define(name, class extends ConnectElement {});
}
