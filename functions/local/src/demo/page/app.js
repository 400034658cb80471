// The demo app: sign in, see the connectors, connect, come back, use the connection, disconnect.

import * as api from './api.js';
import * as view from './view.js';

let config;
let user;
let token;
let connectors;

async function start() {
  config = await api.config();
  user = remembered() ?? config.users[0];
  view.showUsers(config.users, user, (chosen) => attempt(() => become(chosen)));
  view.onShowEvents(() => attempt(showEvents));
  await become(user);
  await comeBack();
}

const remembered = () => config.users.find((known) => known === sessionStorage.getItem('user'));

async function become(chosen) {
  user = chosen;
  sessionStorage.setItem('user', user);
  view.showMessage('');
  view.clearEvents();
  await signIn();
  await refresh();
}

async function signIn() {
  token = await api.signIn(user);
  connectors = new api.Connectors(config.app_id, token);
}

async function refresh() {
  view.showConnectors(await connectors.list(), config.connector_id, {
    connect: (id) => attempt(() => connect(id)),
    disconnect: (id) => attempt(() => disconnect(id)),
  });
}

async function connect(id) {
  location.assign(await connectors.connect(id));
}

async function disconnect(id) {
  const { revocation } = await connectors.disconnect(id);
  view.clearEvents();
  await refresh();
  const atTheProvider = {
    revoked: 'The grant was revoked at the provider.',
    pending: 'The provider could not be reached: revoking the grant is tried again.',
    unsupported: 'The provider cannot revoke grants by request.',
  }[revocation];
  view.showMessage(`Disconnected. ${atTheProvider ?? ''}`, 'good');
}

async function showEvents() {
  try {
    view.showEvents(await api.events(token));
    view.showMessage('');
  } catch (error) {
    view.clearEvents();
    throw error;
  }
}

/** Reads what the return from the provider left in the address, and cleans the address before anything else. */
async function comeBack() {
  const query = new URLSearchParams(location.search);
  const handle = new URLSearchParams(location.hash.slice(1)).get('handle') ?? query.get('handle');
  const session = query.get('session_id');
  if (!session) return;
  history.replaceState(null, '', location.pathname);
  if (handle) await connectors.finish(session, handle);
  const { status, reason } = await connectors.session(session);
  await refresh();
  if (status === 'completed') view.showMessage('Connected.', 'good');
  else if (reason === 'denied') view.showMessage('You did not allow access, so nothing was connected.');
  else view.showMessage(`This did not work${reason ? ` (${reason})` : ''}. Try again.`, 'bad');
}

let busy = false;

/** Runs an action unless another one is under way, and says so when it fails. */
async function attempt(action) {
  if (busy) return;
  busy = true;
  view.setBusy(true);
  try {
    await action();
  } catch (error) {
    if (error.status === 401) await signIn();
    view.showMessage(error.status === 401 ? 'You had been signed out. Try again.' : error.message, 'bad');
  } finally {
    busy = false;
    view.setBusy(false);
  }
}

attempt(start);
