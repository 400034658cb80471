// What the authorization server saw, and every secret that passed through it: the canaries no one else may show.

/** The requests and the secrets of one authorization server. */
export class Journal {
  constructor() {
    this.entries = [];
    /** Every secret seen, as `[kind, value]`. */
    this.secrets = [];
  }

  keepSecret(kind, value) {
    if (value) this.secrets.push([kind, value]);
  }

  failedTokenRequest(status) {
    this.entries.push({ endpoint: 'token', grant_type: null, status, error: null });
  }

  /** Records one finished request of the server (a Koa context of `oidc-provider`). */
  note(ctx) {
    const params = ctx.oidc?.params ?? {};
    // Of the body as it came: the provider takes it out of the parameters.
    this.keepSecret('client assertion', ctx.oidc?.body?.client_assertion);
    if (ctx.path === '/token') {
      // Connectors are examined in the background, with a code that was never given: no test waits for that or counts it.
      const isMadeUp = params.code?.startsWith('doctor_');
      this.entries.push({
        endpoint: isMadeUp ? 'token with a made-up code' : 'token',
        grant_type: params.grant_type,
        status: ctx.status,
        error: ctx.body?.error ?? null,
        redirect_uri: params.redirect_uri,
      });
      this.keepSecret('authorization code', params.code);
      this.keepSecret('code verifier', params.code_verifier);
      this.keepSecret('access token', ctx.body?.access_token);
      this.keepSecret('refresh token', ctx.body?.refresh_token);
      this.keepSecret('id token', ctx.body?.id_token);
    } else if (ctx.path === '/token/revocation') {
      this.entries.push({
        endpoint: 'revocation',
        hint: params.token_type_hint,
        status: ctx.status,
        token: params.token,
      });
    } else if (ctx.path === '/auth') {
      const { code_challenge, code_challenge_method, redirect_uri, state, scope } = params;
      this.entries.push({ endpoint: 'authorize', code_challenge, code_challenge_method, redirect_uri, scope });
      this.keepSecret('state', state);
    } else {
      this.entries.push({ endpoint: ctx.path, status: ctx.status });
    }
  }

  /** Token requests that used this grant and ended well. */
  granted(grantType) {
    return this.entries.filter(
      (entry) => entry.endpoint === 'token' && entry.grant_type === grantType && entry.status === 200,
    ).length;
  }

  /** Every request to the token endpoint, whatever became of it. */
  tokenRequests() {
    return this.entries.filter((entry) => entry.endpoint === 'token').length;
  }

  at(endpoint) {
    return this.entries.filter((entry) => entry.endpoint === endpoint);
  }
}
