// The identity provider of an app's users: signs their JWTs and publishes the keys that prove it.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SignJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose';

/** One issuer with one key per algorithm in `algorithms`. */
export class IdentityProvider {
  /** Requests seen, by path. */
  requests = [];

  static async start({ algorithms = ['ES256', 'RS256'] } = {}) {
    const idp = new IdentityProvider();
    idp.keys = new Map();
    for (const algorithm of algorithms)
      idp.keys.set(algorithm, await generateKeyPair(algorithm, { extractable: true }));
    idp.http = createServer((request, response) => idp.#serve(request, response));
    idp.http.listen(0, '127.0.0.1');
    await once(idp.http, 'listening');
    idp.issuer = `http://127.0.0.1:${idp.http.address().port}`;
    return idp;
  }

  /**
   * A signed token of `user` for `audience`. `claims` and `header` override what a good token says; a claim set to
   * `undefined` is left out.
   */
  async token(user, audience, { algorithm = 'ES256', claims = {}, header = {}, key } = {}) {
    const now = Math.floor(Date.now() / 1000);
    const payload = { iss: this.issuer, aud: audience, sub: user, iat: now, exp: now + 3_600, ...claims };
    for (const [name, value] of Object.entries(payload)) if (value === undefined) delete payload[name];
    const protectedHeader = { alg: algorithm, typ: 'JWT', kid: `idp-${algorithm}`, ...header };
    return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key ?? this.keys.get(algorithm).privateKey);
  }

  /** The public key as an attacker can fetch it. */
  async publicPem(algorithm) {
    return exportSPKI(this.keys.get(algorithm).publicKey);
  }

  async jwks() {
    const keys = [...this.keys].map(async ([alg, { publicKey }]) => ({
      ...(await exportJWK(publicKey)),
      alg,
      use: 'sig',
      kid: `idp-${alg}`,
    }));
    return { keys: await Promise.all(keys) };
  }

  async close() {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }

  async #serve(request, response) {
    this.requests.push(request.url);
    const documents = {
      '/.well-known/openid-configuration': async () => ({
        issuer: this.issuer,
        jwks_uri: `${this.issuer}/jwks`,
        authorization_endpoint: `${this.issuer}/authorize`,
        token_endpoint: `${this.issuer}/token`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [...this.keys.keys()],
      }),
      '/jwks': () => this.jwks(),
    };
    const document = await documents[request.url]?.();
    response.statusCode = document ? 200 : 404;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(document ?? {}));
  }
}
