// A real authorization server (npm `oidc-provider`) on loopback, set strictly: PKCE for everyone, refresh tokens that
// rotate and whose reuse ends the whole grant, revocation, and the `iss` parameter of RFC 9207.
import { createServer } from 'node:http';
import { EventEmitter, once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { consent } from './consent.mjs';
import { Journal } from './journal.mjs';
import { storage } from './storage.mjs';

export const SCOPES = [
  'openid',
  'email',
  'profile',
  'offline_access',
  'calendar.read',
  'calendar.write',
  'odd:scope/with.marks',
];

/**
 * What protects a flow beyond RFC 6749, each only where a test asks for it: `pushed` requests (RFC 9126) and no others,
 * tokens `bound` to a key (RFC 9449) whose proofs need a nonce, or `bindable` if a client wants that, and the `methods` by which clients prove who they are.
 * With `resourceScopes` it gives tokens for whatever resource is asked for (RFC 8707, RFC 9068) with these scopes, to clients
 * that register themselves (RFC 7591).
 */
function protection({ pushed = false, bound = false, bindable = bound, methods, resourceScopes }) {
  const server = (audience) => ({ audience, scope: resourceScopes.join(' '), accessTokenFormat: 'jwt' });
  return {
    ...(methods && { clientAuthMethods: methods }),
    features: {
      ...(resourceScopes && {
        registration: { enabled: true },
        resourceIndicators: { enabled: true, getResourceServerInfo: (_ctx, resource) => server(resource) },
      }),
      pushedAuthorizationRequests: { enabled: pushed, requirePushedAuthorizationRequests: pushed },
      dPoP: { enabled: bindable, nonceSecret: bound ? randomBytes(32) : undefined, requireNonce: () => bound },
    },
  };
}

function configuration(adapter, jwks, lives, security) {
  const { features, ...methods } = protection(security);
  return {
    ...methods,
    // Without its own guard of outgoing requests, which lets nothing pass to this machine.
    fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
    adapter,
    jwks,
    scopes: [...SCOPES, ...(security.resourceScopes ?? [])],
    claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    features: {
      ...features,
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@provider.test`, name: `Account ${id}` }),
    }),
    ttl: {
      AccessToken: () => lives.access,
      RefreshToken: 86_400,
      Grant: 86_400,
      Session: 3_600,
      Interaction: 600,
      IdToken: 600,
      AuthorizationCode: 60,
    },
    renderError: (ctx, out) => {
      ctx.body = out;
    },
  };
}

async function signingKeys() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'provider-1' }] };
}

/** One authorization server; `close` it when the test file is done. */
export class AuthorizationServer {
  #lives = { access: 3_600 };
  #faults = { delay: 0, hold: undefined, status: null, pushed: null };

  static async start(security = {}) {
    const server = new AuthorizationServer();
    server.security = security;
    server.http = createServer((request, response) => server.#serve(request, response));
    server.http.listen(0, '127.0.0.1');
    await once(server.http, 'listening');
    server.issuer = `http://127.0.0.1:${server.http.address().port}`;
    server.journal = new Journal();
    const Storage = storage();
    server.clients = new Storage('Client');
    server.provider = new Provider(server.issuer, configuration(Storage, await signingKeys(), server.#lives, security));
    server.provider.use((ctx, next) => server.#observe(ctx, next));
    server.handle = server.provider.callback();
    return server;
  }

  /** Registers a client, as an admin does by hand in a provider's console. */
  async register({ client_id, client_secret, redirect_uris, jwks_uri, token_endpoint_auth_method }) {
    this.journal.keepSecret('client secret', client_secret);
    const [method] = this.security.methods ?? ['client_secret_basic'];
    const grant_types = ['authorization_code', 'refresh_token'];
    await this.clients.upsert(client_id, {
      client_id,
      client_secret,
      redirect_uris,
      grant_types,
      response_types: ['code'],
      token_endpoint_auth_method: token_endpoint_auth_method ?? method,
      ...(method === 'private_key_jwt' && { jwks_uri, token_endpoint_auth_signing_alg: 'ES256' }),
      ...(this.security.bound && { dpop_bound_access_tokens: true }),
    });
  }

  /** From now on access tokens live this many seconds. */
  issueAccessTokensFor(seconds) {
    this.#lives.access = seconds;
  }

  /** From now on the token endpoint thinks this many milliseconds before it works. */
  delayTokenRequests(milliseconds) {
    this.#faults.delay = milliseconds;
  }

  /**
   * The next token request is held: `came` resolves when it is there, and it is worked on when `release` is called. The caller
   * waits eight seconds for it.
   */
  holdTokenRequest() {
    const gate = new EventEmitter();
    const [came, released] = [once(gate, 'came'), once(gate, 'released')];
    this.#faults.hold = async () => {
      this.#faults.hold = undefined;
      gate.emit('came');
      await released;
    };
    return { came, release: () => gate.emit('released') };
  }

  /** From now on the token endpoint answers this status with a body that isn't JSON; `null` heals it. */
  failTokenRequests(status) {
    this.#faults.status = status;
  }

  /** From now on the endpoint for pushed requests answers this status; `null` heals it. */
  failPushedRequests(status) {
    this.#faults.pushed = status;
  }

  /** What the provider knows of this access token: `jkt` is the key it is bound to. `undefined` if it has ended. */
  issued(accessToken) {
    return this.provider.AccessToken.find(accessToken);
  }

  /** Ends a person's grant at the provider's side: its tokens are worth nothing from here on. */
  async endGrantOf(accessToken) {
    const token = await this.provider.AccessToken.find(accessToken);
    const grant = await this.provider.Grant.find(token.grantId);
    for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode'])
      await this.provider[model].revokeByGrantId(token.grantId);
    await grant.destroy();
  }

  /** Whether the provider itself still takes this access token. */
  async accepts(accessToken) {
    const answer = await fetch(`${this.issuer}/me`, { headers: { authorization: `Bearer ${accessToken}` } });
    return answer.status === 200;
  }

  async close() {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }

  #serve(request, response) {
    const work = request.url.startsWith('/interaction/')
      ? consent(this.provider, request, response)
      : this.handle(request, response);
    Promise.resolve(work).catch((cause) => {
      response.statusCode = 500;
      response.end(String(cause));
    });
  }

  async #observe(ctx, next) {
    if (ctx.path === '/token') {
      await pause(this.#faults.delay);
      await this.#faults.hold?.();
      if (this.#faults.status) {
        this.journal.failedTokenRequest(this.#faults.status);
        ctx.status = this.#faults.status;
        ctx.body = 'canary-body-of-a-broken-provider';
        return;
      }
    }
    if (ctx.path === '/request' && this.#faults.pushed) {
      ctx.status = this.#faults.pushed;
      ctx.body = 'canary-body-of-a-broken-provider';
      return;
    }
    await next();
    this.journal.note(ctx);
  }
}
