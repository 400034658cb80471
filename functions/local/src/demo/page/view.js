// What the page shows. Everything that comes from a server is set as text.

const find = (id) => document.getElementById(id);

export function showMessage(text, kind = '') {
  const message = find('message');
  message.textContent = text;
  message.className = kind;
  message.hidden = !text;
}

export function showUsers(users, current, onChange) {
  const select = find('user');
  select.replaceChildren(...users.map((user) => new Option(user[0].toUpperCase() + user.slice(1), user)));
  select.value = current;
  select.addEventListener('change', () => onChange(select.value));
}

/** The sentence for the state of a connection, and what it means for the page. */
function describe(connector) {
  const account = connector.account?.label ?? connector.account?.email ?? connector.account?.id;
  const connected = account ? `Connected as ${account}` : 'Connected';
  switch (connector.status) {
    case 'active':
      return { kind: 'active', text: connected, connected: true };
    case 'degraded':
      return { kind: 'attention', text: `${connected}, refresh is failing for now`, connected: true };
    case 'reconnect_required':
      return { kind: 'attention', text: 'Connected, but has to be renewed', connected: true };
    case 'disabled':
      return { kind: '', text: 'Switched off by the workspace', connected: false };
    default:
      return { kind: '', text: 'Not connected', connected: false };
  }
}

/** Shows the connectors. The buttons of the demo connector have ids of their own, for whoever tests this page. */
export function showConnectors(connectors, demoId, actions) {
  const rows = connectors.map((connector) => {
    const row = find('connector-template').content.firstElementChild.cloneNode(true);
    const { kind, text, connected } = describe(connector);
    row.dataset.id = connector.connector_id;
    if (kind) row.classList.add(kind);
    row.querySelector('h3').textContent = connector.name;
    row.querySelector('.status-text').textContent = text;
    const missing = connector.missing_scopes ?? [];
    const detail = row.querySelector('.detail');
    detail.hidden = !missing.length;
    detail.textContent = `Not allowed: ${missing.join(', ')}`;
    const connect = row.querySelector('.connect');
    connect.textContent = connected ? 'Reconnect' : 'Connect';
    connect.classList.toggle('primary', !connected || kind === 'attention');
    connect.setAttribute('aria-label', `${connect.textContent} ${connector.name}`);
    connect.addEventListener('click', () => actions.connect(connector.connector_id));
    const disconnect = row.querySelector('.disconnect');
    disconnect.hidden = !connected;
    disconnect.setAttribute('aria-label', `Disconnect ${connector.name}`);
    disconnect.addEventListener('click', () => actions.disconnect(connector.connector_id));
    if (connector.connector_id === demoId) {
      row.querySelector('.status-text').id = 'status';
      connect.id = 'connect';
      disconnect.id = 'disconnect';
    }
    return row;
  });
  const focused = document.activeElement?.closest('.connector')?.dataset.id;
  find('connectors').replaceChildren(...rows);
  rows.find((row) => row.dataset.id === focused)?.querySelector('.connect').focus();
}

export function onShowEvents(action) {
  find('show-events').addEventListener('click', action);
}

/** Shows that a request is under way. The buttons stay enabled: a disabled one would lose the keyboard's focus. */
export function setBusy(busy) {
  document.body.setAttribute('aria-busy', String(busy));
}

export function clearEvents() {
  find('events').replaceChildren();
  find('events-intro').hidden = false;
}

export function showEvents({ calendar, events, token_expires_at: expiresAt }) {
  const when = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
  const list = element('ul', { className: 'event-list', id: 'event-list' });
  list.append(...events.map((event) => {
    const time = element('time', { dateTime: event.starts_at, textContent: when.format(new Date(event.starts_at)) });
    const item = element('li');
    item.append(time, element('strong', { textContent: event.title }), element('span', { textContent: event.place }));
    return item;
  }));
  const note = element('p', { className: 'quiet', textContent: `Calendar of ${calendar}.` });
  if (expiresAt) {
    const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
    note.textContent += ` The backend read it with a token that works until ${clock.format(new Date(expiresAt))}.`;
  }
  find('events-intro').hidden = true;
  find('events').replaceChildren(list, note);
}

function element(name, properties = {}) {
  return Object.assign(document.createElement(name), properties);
}
