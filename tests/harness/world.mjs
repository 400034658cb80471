// One world of a test file: the product, a real authorization server, an identity provider, one app and its users.
import { randomBytes } from 'node:crypto';
import { AuthorizationServer } from '../provider/server.mjs';
import { Api, segment } from './api.mjs';
import { Browser } from './browser.mjs';
import { IdentityProvider } from './idp.mjs';
import { Product } from './product.mjs';

/** An app elsewhere: nothing listens there, browsers stop at its address. */
export const APP_ORIGIN = 'https://app.example';
export const RETURN_URL = `${APP_ORIGIN}/done`;

const READ_SCOPES = ['openid', 'email', 'calendar.read'];
const PROVIDER_TYPE = 'oidc-provider';

/** How long a test looks at a token that has ended: to read it, in a crowd, from a provider that is slow. */
const SECONDS_AFTER_A_LIFE = 8;

/** How many times longer a brief token lives at most where the machine is slow. */
const MOST_LIVES = 4;

/** Whether a client at this authorization server has a secret. */
const hasSecret = ({ methods = ['client_secret_basic'] }) => methods[0].startsWith('client_secret');

function mustBe(status, answer, what) {
  if (answer.status !== status) throw new Error(`${what} answered ${answer.status}, not ${status}: ${answer.text}`);
  return answer.body;
}

/** Everything a journey needs, seeded through the public routes only. */
export class World {
  /**
   * `security` is what the authorization server asks for beyond RFC 6749, `said` what the admin says of it beside its
   * issuer, and `type` what the workspace calls it.
   */
  static async open({ product, security = {}, said = {}, type = PROVIDER_TYPE } = {}) {
    const world = new World();
    world.type = type;
    [world.product, world.provider, world.idp] = await Promise.all([
      product ?? Product.start(),
      AuthorizationServer.start(security),
      IdentityProvider.start(),
    ]);
    world.ownsProduct = product === undefined;
    world.api = new Api(world.product.base);
    world.workspace = `/api/workspace/${segment(world.product.dev.workspace_id)}`;
    world.adminKey = world.product.dev.admin_key;
    const registration = { id: type, name: 'A real authorization server', issuer: world.provider.issuer, ...said };
    const known = await world.api.post(`${world.workspace}/providers`, { key: world.adminKey, json: registration });
    mustBe(201, known, 'registering the provider');
    world.app = await world.newApp('Calendar app');
    return world;
  }

  async close() {
    await Promise.all([this.provider.close(), this.idp.close(), this.ownsProduct && this.product.stop()]);
  }

  /** A request with the workspace's admin key; `path` is below the workspace. */
  admin(method, path, json) {
    return this.api.request(method, `${this.workspace}${path}`, { key: this.adminKey, json });
  }

  /** A new app with our identity provider for its users and a service key for its backend. */
  async newApp(name, extra = {}) {
    const made = mustBe(
      201,
      await this.admin('POST', '/apps', {
        name,
        origins: [APP_ORIGIN, this.product.base],
        return_urls: [RETURN_URL, `${this.product.base}/done`],
        ...extra,
      }),
      'making an app',
    );
    const id = made.app_id;
    mustBe(
      200,
      await this.admin('PUT', `/apps/${segment(id)}/identity`, { issuer: this.idp.issuer, audience: id }),
      'setting the identity',
    );
    const { key, key_id: keyId } = mustBe(
      201,
      await this.admin('POST', `/apps/${segment(id)}/keys`, { name: 'backend', permissions: ['tokens:offline'] }),
      'making a key',
    );
    return { id, key, keyId, path: `/api/apps/${segment(id)}` };
  }

  /** A connector with a fresh client at the authorization server, unless nobody is to `register` it there. */
  async newConnector({
    name = `Calendar ${randomBytes(4).toString('hex')}`,
    scopes = READ_SCOPES,
    register = true,
    ...extra
  } = {}) {
    const client_id = `client-${randomBytes(6).toString('hex')}`;
    const client_secret = hasSecret(this.provider.security)
      ? `canary/secret+with=odd:chars%${randomBytes(12).toString('hex')}`
      : undefined;
    const wanted = {
      integration_type: this.type,
      name,
      client_id,
      client_secret,
      scopes,
      connection_config: {},
      kind: 'per_user',
      ...extra,
    };
    const made = mustBe(201, await this.admin('POST', '/connectors', wanted), 'making a connector');
    if (register) {
      const redirect_uris = [made.redirect_uri];
      await this.provider.register({ client_id, client_secret, redirect_uris, jwks_uri: made.key?.jwks_uri });
    }
    return { ...made, id: made.connector_id, client_secret };
  }

  /** An admin connects a shared connector in a browser of their own. Answers how it ended. */
  async connectShared(connector, { account = 'office' } = {}) {
    const browser = new Browser();
    const path = `${this.workspace}/connectors/${segment(connector.id)}/connect`;
    const begun = await this.api.post(path, { key: this.adminKey, json: {}, through: browser });
    const landed = await browser.approve(mustBe(200, begun, 'beginning to connect').redirect_url, { account });
    return { status: new URLSearchParams(landed.url.search).get('status'), landed };
  }

  /** A signed-in user of `app`, with a browser of their own. */
  async user(name, app = this.app) {
    return { name, app, jwt: await this.idp.token(name, app.id), browser: new Browser() };
  }

  /** `POST …/initiate` with the user's own token, from a server or (with `browser`) from the page in their browser. */
  initiate(user, connector, { browser, json } = {}) {
    const fromPage = browser && { through: browser, headers: { origin: this.product.base } };
    const body =
      json === undefined
        ? { body: '', headers: { 'content-type': 'application/json', ...fromPage?.headers } }
        : { json, headers: fromPage?.headers };
    return this.api.post(`${user.app.path}/app-user-auth/connectors/${segment(connector.id)}/initiate`, {
      key: user.jwt,
      ...fromPage,
      ...body,
    });
  }

  finish(user, sessionId, handle) {
    return this.api.post(`${user.app.path}/app-user-auth/sessions/${segment(sessionId)}/finish`, {
      key: user.jwt,
      json: { handle },
    });
  }

  session(user, sessionId) {
    return this.api.get(`${user.app.path}/app-user-auth/sessions/${segment(sessionId)}`, { key: user.jwt });
  }

  /** The whole way of one user: start, allow, come back, finish. Answers the finished session. */
  async connect(user, connector, choices = {}) {
    const started = mustBe(200, await this.initiate(user, connector, choices), 'initiate');
    const landed = await user.browser.approve(started.redirect_url, { account: `${user.name}-account`, ...choices });
    const { sessionId, status, handle } = returned(landed);
    if (status === 'completed') return { ...mustBe(200, await this.session(user, sessionId), 'the session'), landed };
    if (status !== 'awaiting_finish')
      throw new Error(
        `the browser came back with ${status} at ${landed.url.origin}${landed.url.pathname}: ${landed.body.slice(0, 400)}`,
      );
    return { ...mustBe(200, await this.finish(user, sessionId, handle), 'finish'), landed };
  }

  /**
   * Connects `user` with an access token that lives `seconds`, and that nobody but who asks for it refreshes; later ones live
   * an hour. Answers the token.
   */
  async connectBriefly(user, connector, seconds) {
    await this.product.restsFor(seconds + SECONDS_AFTER_A_LIFE);
    for (let lives = seconds; lives <= seconds * MOST_LIVES; lives *= 2) {
      this.provider.issueAccessTokensFor(lives);
      await this.connect(user, connector);
      this.provider.issueAccessTokensFor(3_600);
      const token = mustBe(200, await this.token(user, connector, '?min_ttl=0'), 'the token');
      // On a machine that was too slow to read it in time, it was refreshed by then.
      if (Date.parse(token.expires_at) - Date.now() <= lives * 1_000) return token;
    }
    throw new Error(`a token of ${seconds} s could not be read before it ended, nor one of some times that`);
  }

  /** `GET …/connectors/{id}/token` by the app's backend on behalf of the user. */
  token(user, connector, query = '', base = this.api) {
    return base.get(`${user.app.path}/app-user-auth/connectors/${segment(connector.id)}/token${query}`, {
      key: user.app.key,
      user: user.jwt,
    });
  }

  /** `GET …/connectors/{id}`: what a Connect button needs. */
  state(user, connector) {
    return this.api.get(`${user.app.path}/app-user-auth/connectors/${segment(connector.id)}`, { key: user.jwt });
  }

  disconnect(user, connector) {
    return this.api.delete(`${user.app.path}/app-user-auth/connectors/${segment(connector.id)}`, { key: user.jwt });
  }
}

/** What a return URL tells the app. */
export function returned({ url }) {
  const handle = new URLSearchParams(url.hash.slice(1)).get('handle');
  return { sessionId: url.searchParams.get('session_id'), status: url.searchParams.get('status'), handle };
}
