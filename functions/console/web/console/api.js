// The API, as an admin of one workspace: by a key, or by the token of a person. Either is in this object and nowhere else: no
// storage, no cookie, no address.

/** A refusal, or no answer: `status` is 0 then. */
export class Problem extends Error {
  constructor(status, body = {}) {
    super(body.detail ?? 'The answer could not be read.');
    this.status = status;
    this.code = body.code;
    this.errors = body.errors ?? [];
    this.requestId = body.request_id;
  }
}

/** A text as one segment of a path. One of dots can't be: a browser takes it for the folder above, and asks for that. */
function segment(text) {
  if (/^\.\.?$/.test(text)) throw new Problem(404, { detail: 'An address can’t have a part that is only dots.' });
  return encodeURIComponent(text);
}

/** Joins a path below the workspace: every part is one segment. */
export const path = (...parts) => parts.map((part) => `/${segment(part)}`).join('');

export class Api {
  #key;
  #providers;
  #ended;

  /** `ended` is called when the key is not accepted any more. */
  constructor(workspace, key, ended) {
    this.workspace = workspace;
    this.#key = key;
    this.#ended = ended;
    this.mayWrite = !/^uck_(read|build)_/.test(key);
  }

  /** The API as a person who has just signed in. */
  static ofPerson(signedIn, ended) {
    const api = new Api(signedIn.workspace, signedIn.id_token, ended);
    api.renew(signedIn);
    return api;
  }

  /** Goes on with what a person got by signing in again. */
  renew({ id_token: token, expires_at: end, name, role }) {
    this.#key = token;
    this.mayWrite = role === 'admin';
    this.person = { name, endsAt: end * 1000 };
  }

  get(where, query) {
    return this.#send('GET', where, undefined, query);
  }

  post(where, body = {}) {
    return this.#send('POST', where, body);
  }

  /** As `post`; and the browser keeps the cookie that the answer brings. */
  begin(where, body = {}) {
    return this.#send('POST', where, body, {}, 'same-origin');
  }

  put(where, body) {
    return this.#send('PUT', where, body);
  }

  delete(where, query) {
    return this.#send('DELETE', where, undefined, query);
  }

  /** Every provider by its type: the catalogue's, in short, and the workspace's own, which are `custom`. */
  providers() {
    this.#providers ??= Promise.all([answer(fetch('/api/providers?summary=true')), this.get('/providers')]).then(
      ([catalogue, own]) =>
        new Map([
          ...catalogue.providers.map((one) => [one.integration_type, one]),
          ...own.providers.map((one) => [one.integration_type, { ...one, custom: true }]),
        ]),
    );
    this.#providers.catch(() => this.forgetProviders());
    return this.#providers;
  }

  /** All that is known of one provider; `undefined` if there is none of this type any more. */
  async provider(type) {
    const known = (await this.providers()).get(type);
    return !known || known.custom ? known : answer(fetch(`/api/providers/${segment(type)}`));
  }

  /** To be called when the workspace's own providers have changed. */
  forgetProviders() {
    this.#providers = undefined;
  }

  async #send(method, where, body, query = {}, credentials = 'omit') {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
    const search = given.length ? `?${new URLSearchParams(given)}` : '';
    const headers = { authorization: `Bearer ${this.#key}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const request = { method, headers, body: body && JSON.stringify(body), cache: 'no-store', credentials };
    try {
      return await answer(fetch(`/api/workspace/${segment(this.workspace)}${where}${search}`, request));
    } catch (problem) {
      if (problem.status === 401) this.#ended();
      throw problem;
    }
  }
}

/** A request about a workspace by whoever has not signed in yet. */
export function openly(method, workspace, where, body) {
  const headers = body && { 'content-type': 'application/json' };
  const request = { method, headers, body: body && JSON.stringify(body), cache: 'no-store', credentials: 'omit' };
  return answer(fetch(`/api/workspace/${segment(workspace)}${where}`, request));
}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Problem(0, { detail: 'There is no answer. Check the network connection, then try again.' });
  }
  if (response.status === 204) return undefined;
  const body = await response.json().catch(() => undefined);
  if (!response.ok) throw new Problem(response.status, body);
  return body;
}
