// How things are said: states, times, deeds.

const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });
const UTC_DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });
const MOMENT = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const CLOCK = new Intl.DateTimeFormat('en', { timeStyle: 'medium' });

export const day = (text) => DAY.format(new Date(text));
export const moment = (text) => MOMENT.format(new Date(text));
export const clock = (text) => CLOCK.format(new Date(text));
/** A day by universal time, as the API counts uses. */
export const utcDay = (text) => (text ? UTC_DAY.format(new Date(`${text}T00:00:00Z`)) : 'Never');

/** `1 person`, `2 people`. */
export function count(number, one, many, isMore = false) {
  return `${isMore ? 'more than ' : ''}${number.toLocaleString('en')} ${number === 1 && !isMore ? one : many}`;
}
export const people = (number, isMore) => count(number, 'person', 'people', isMore);

/** How a connector does, as `[kind, words]`. */
export function connectorState({ status, health, doctor, connection, moving_out_since }) {
  if (status === 'deleting') return ['', 'Being deleted'];
  if (moving_out_since) return ['warn', 'Moving out'];
  if (health?.status === 'misconfigured') return ['bad', 'Client refused'];
  if (health?.status === 'failing') return ['warn', 'Provider is failing'];
  const worst = worstFinding(doctor);
  if (worst === 'error') return ['bad', 'Needs a change'];
  if (connection === null) return ['warn', 'Not connected'];
  if (connection?.reconnect_required) return ['warn', 'Must connect again'];
  if (worst === 'warning') return ['warn', 'Worth a look'];
  return ['good', 'Working'];
}

/** The severity of the worst finding; `undefined` if there is none to act on. */
export function worstFinding(doctor) {
  return ['error', 'warning'].find((severity) => doctor?.findings?.some((one) => one.severity === severity));
}

const REASONS = {
  refresh_rejected: 'The provider ended the grant, or the person took it back there',
  rotation_lost: 'The provider’s answer with the new token was lost',
  unreadable: 'The stored tokens can’t be opened',
  expired: 'The token ended, and the provider gave nothing to renew it with',
  scopes_changed: 'The connector asks for more than was granted',
  client_changed: 'The connector has another client ID since',
};

/** How a connection does, as `[kind, words, why]`. */
export function connectionState({ status, reason }) {
  if (status === 'active') return ['good', 'Connected'];
  if (status === 'degraded') return ['warn', 'Refresh is failing', 'It is tried again by itself'];
  if (status === 'disabled') return ['', 'Switched off', 'By the workspace’s policies'];
  if (status === 'reconnect_required') return ['warn', 'Must connect again', REASONS[reason]];
  return ['', status];
}

const DEEDS = {
  'app.changed': 'changed an app',
  'app.created': 'registered an app',
  'app.deleted': 'deleted an app',
  'app.identity_changed': 'changed who vouches for an app’s users',
  'app.identity_removed': 'removed who vouches for an app’s users',
  'connection.created': 'connected an account',
  'connection.reconnected': 'connected an account again',
  'connection.reconnect_required': 'found a connection ended, which has to be made again',
  'connection.expiring': 'found that a connection ends soon',
  'connection.imported': 'brought a connection in',
  'connection.scopes_changed': 'found that a provider changed what a connection may do',
  'connection.deleted': 'disconnected an account',
  'connection.revocation_failed': 'could not end a grant at its provider',
  'connection.revocation_given_up': 'gave up ending a grant at its provider',
  'connection.revocation_superseded': 'left a grant alone, because the account was connected again',
  'connection.revocation_unsupported': 'could not end a grant: its provider has no way to',
  'connection.revocation_shared': 'left a grant alone, because another connection has the same account',
  'connection.revoked': 'ended a grant at its provider',
  'connections.exported': 'exported connections, encrypted',
  'connections.imported': 'imported connections',
  'connections.revocation_begun': 'began to end many connections',
  'connections.revocation_finished': 'was done with ending many connections',
  'connections.revocation_stopped': 'stopped ending many connections',
  'connector.changed': 'changed a connector',
  'connector.created': 'added a connector',
  'connector.deleted': 'deleted a connector',
  'connector.endpoints_moved': 'found that an issuer names endpoints at another host',
  'connector.endpoints_updated': 'followed an issuer to its new endpoints',
  'connector.misconfigured': 'found that a provider refuses a connector’s client',
  'encryption_key.created': 'made a new encryption key',
  'encryption_key.resealed': 'sealed everything anew',
  'governance.changed': 'switched a type of provider',
  'key.created': 'made a key',
  'key.revoked': 'revoked a key',
  'proposal.confirmed': 'confirmed a proposal',
  'proposal.created': 'proposed a change',
  'proposal.declined': 'declined a proposal',
  'provider.created': 'defined a provider',
  'provider.deleted': 'deleted a provider',
  'provider.updated': 'had a provider follow its issuer',
  'session.user_mismatch': 'tried to finish somebody else’s sign-in',
  'user.deleted': 'deleted what was kept of a user',
  'webhook.changed': 'changed a webhook',
  'webhook.created': 'added a webhook',
  'webhook.deleted': 'deleted a webhook',
  'webhook.replayed': 'had missed events sent again to a webhook',
  'webhook.given_up': 'stopped sending to a webhook where nothing arrived',
  'workspace.created': 'founded the workspace',
  'workspace.deleted': 'deleted the workspace',
  'workspace.purged': 'removed what was left of the workspace',
  'workspace.plan_changed': 'changed the workspace’s plan',
  'workspace.identity_changed': 'changed who vouches for the workspace’s people',
  'workspace.identity_removed': 'removed who vouches for the workspace’s people',
};

/** Every action that the trail knows, and what all those of one kind begin with. */
export const ACTIONS = [...new Set(Object.keys(DEEDS).map((one) => one.replace(/[^.]*$/, ''))), ...Object.keys(DEEDS)];

export const deed = (action) => DEEDS[action] ?? action;

/**
 * Who did it: `key:…`, `person:{sub}`, `user:{app}:{sub}`, `stranger` or `system`. `name` is what an id is called, `person` what
 * the issuer calls somebody.
 */
export function actor(text, name, person) {
  if (text.startsWith('person:')) return person ?? text.slice(7);
  if (text === 'system') return 'The system';
  if (text === 'stranger') return 'Somebody from elsewhere';
  if (text.startsWith('key:')) return name(text.slice(4)) ?? `Key ${text.slice(4)}`;
  const [, app, ...sub] = text.split(':');
  return sub.length ? `User ${sub.join(':')} of ${name(app) ?? app}` : text;
}
