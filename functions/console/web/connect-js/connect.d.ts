/** How a connection stands for this user. */
export type Status = 'active' | 'degraded' | 'reconnect_required' | 'disabled' | 'disconnected';

/** A connector of the app, as its user sees it. */
export interface Connector {
  connector_id: string;
  name: string;
  integration_type: string;
  status: Status;
  reason: string | null;
  connection_id: string | null;
  label: string | null;
  account: { id: string; label: string | null; email: string | null; avatar_url: string | null } | null;
  scopes: string[];
  granted_scopes: string[];
  missing_scopes: string[];
  reconnect_required: boolean;
  connected_at: string | null;
  last_used_on: string | null;
}

export interface Options {
  /** The app's id. */
  app: string;
  /**
   * The signed-in user's token, as the app's own sign-in gives it; nothing if nobody is signed in. Asked before every
   * request, with `fresh` after one was refused.
   */
  getToken(wish: { fresh: boolean }): string | undefined | Promise<string | undefined>;
  /** Where the API is. The origin that this module was loaded from, if not given; give it if you bundle the module. */
  api?: string;
  /** Leave the page (`redirect`, the default), or open a window. A window that is blocked becomes a redirect. */
  mode?: 'redirect' | 'popup';
  /** One of the app's registered return URLs; the first of them if not given. That page has to load this module too. */
  returnTo?: string;
  /**
   * What comes back is finished if a page of this origin began it (`own`, the default), or always: for apps whose users
   * come by links that were sent to them.
   */
  finish?: 'own' | 'all';
  /** The language of the elements: en, de, es, he or ja. The page's, or the reader's, if not given. */
  lang?: string;
}

export interface Wishes {
  mode?: 'redirect' | 'popup';
  returnTo?: string;
  /** Fewer scopes than the connector has. */
  scopes?: string[];
  /** Whom the provider should sign in. */
  loginHint?: string;
}

/** What happened. `closed`: the user closed the window; if they did agree after all, `connected` is still fired. */
export interface Outcome {
  status: 'completed' | 'disconnected' | 'denied' | 'failed' | 'closed';
  connector_id?: string | null;
  session_id?: string;
  /** Why it failed, for programs. */
  reason?: string;
  /** Why it failed, to show. */
  message?: string;
  /** What became of the grant at the provider. */
  revocation?: 'revoked' | 'pending' | 'unsupported' | 'failed';
}

/** Why something did not work. `code` is for programs, `message` can be shown to the user. */
export class ConnectError extends Error {
  readonly code: string;
  readonly status: number;
}

export interface ConnectorsEventMap {
  connected: CustomEvent<Outcome>;
  disconnected: CustomEvent<Outcome>;
  failed: CustomEvent<Outcome>;
  /** The list is another one now. */
  change: Event;
}

/** The connectors of one app, for its signed-in user. */
export class Connectors extends EventTarget {
  constructor(options: Options);
  list(wish?: { fresh?: boolean }): Promise<Connector[]>;
  /** In redirect mode the page is left and the promise never settles. Popup mode has to be asked for within a click. */
  connect(id: string, wishes?: Wishes): Promise<Outcome>;
  disconnect(id: string): Promise<Outcome>;
  /** Says that this page begins what leads there: a session's id, a link, or what the SDK answers. Answers the same. */
  expect(address: string): Promise<string>;
  addEventListener<K extends keyof ConnectorsEventMap>(
    type: K,
    listener: (event: ConnectorsEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** Says which app this is and how its user proves who they are. The first one is the default for all that follows. */
export function configure(options: Options): Connectors;
export function list(wish?: { fresh?: boolean }): Promise<Connector[]>;
export function connect(id: string, wishes?: Wishes): Promise<Outcome>;
export function disconnect(id: string): Promise<Outcome>;

declare global {
  interface HTMLElementTagNameMap {
    'connect-button': HTMLElement;
    'user-connectors': HTMLElement;
  }
}
