// HTTP as a client of the product speaks it: JSON in, status and JSON out, every answer kept for the hunt for secrets.

/** How long an answer may take: far longer than the product allows itself, so that whoever waits in vain says for what. */
const PATIENCE_MS = 60_000;

/** Percent-encodes one path segment. */
export const segment = encodeURIComponent;

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function whole(fetching) {
  const answer = await fetching;
  return { answer, text: await answer.text() };
}

/** A caller of the product at `base`; `through` is what fetches (a `Browser` brings its cookies). */
export class Api {
  /** Every answer so far, but not those of the token routes, the one place where a token belongs. */
  transcript = [];

  constructor(base) {
    this.base = base;
  }

  /**
   * One request. `key` goes into `Authorization`, `user` (a JWT) into `on-behalf-of`; `json` is the body, `body` the
   * same in raw bytes.
   */
  async request(method, path, { key, user, json, body, headers = {}, through = globalThis } = {}) {
    const sent = { accept: 'application/json', ...headers };
    if (key) sent.authorization = `Bearer ${key}`;
    if (user) sent['on-behalf-of'] = `Bearer ${user}`;
    if (json !== undefined && !sent['content-type']) sent['content-type'] = 'application/json';
    const payload = json === undefined ? body : JSON.stringify(json);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const init = { method, headers: sent, body: payload, duplex: 'half', signal };
    const { answer, text } = await whole(through.fetch(`${this.base}${path}`, init)).catch((cause) => {
      throw new Error(`${method} ${path} got no answer: ${cause.message}`, { cause });
    });
    const isToken = /\/token(\?|$)|\/external-auth\/tokens\//.test(path) && answer.status === 200;
    if (!isToken) this.transcript.push(`${method} ${path} ${answer.status} ${[...answer.headers].join(' ')} ${text}`);
    return { status: answer.status, headers: answer.headers, text, body: readJson(text) };
  }

  get(path, options) {
    return this.request('GET', path, options);
  }

  post(path, options) {
    return this.request('POST', path, options);
  }

  put(path, options) {
    return this.request('PUT', path, options);
  }

  delete(path, options) {
    return this.request('DELETE', path, options);
  }
}
