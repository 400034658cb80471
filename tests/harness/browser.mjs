// A person's browser without a screen: one cookie jar, follows redirects, fills in forms.
import { Cookies } from './cookies.mjs';

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 20;

/** Names of other machines that a test answers for: browsers go there as they go to this one. */
export const served = new Set();

/** One browser profile. Two of them share nothing, as on two devices. */
export class Browser {
  cookies = new Cookies();

  /** One request with this browser's cookies; redirects are not followed. */
  async fetch(address, init = {}) {
    const url = new URL(address);
    const cookie = this.cookies.header(url);
    const headers = { accept: 'text/html', ...init.headers, ...(cookie && { cookie }) };
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' });
    this.cookies.keep(answer.headers.getSetCookie(), url);
    return answer;
  }

  /**
   * Goes to `address` and wherever it leads, until a page is shown or the way leaves this machine.
   *
   * The result is `{url, status, headers, body, hops}`: `hops` are the addresses passed, `status` is `null` for a page
   * elsewhere (an app's return URL that no test serves).
   */
  async open(address, init = {}) {
    const hops = [];
    let url = new URL(address);
    let request = init;
    for (let count = 0; count < MOST_REDIRECTS; count += 1) {
      hops.push(url.href);
      if (!LOOPBACK.test(url.hostname) && !served.has(url.hostname))
        return { url, status: null, headers: new Headers(), body: '', hops };
      const answer = await this.fetch(url, request);
      if (!REDIRECTS.has(answer.status))
        return { url, status: answer.status, headers: answer.headers, body: await answer.text(), hops };
      url = new URL(answer.headers.get('location'), url);
      request = [307, 308].includes(answer.status) ? request : {};
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects from ${new URL(address).origin}`);
  }

  /** Sends the one form of `page` with `fields` and goes where the answer leads. */
  async submit(page, fields) {
    const action = page.body.match(/<form[^>]*action="([^"]*)"/)?.[1];
    if (!action)
      throw new Error(
        `no form on the page at ${page.url.origin}${page.url.pathname} (${page.status}): ${page.body.slice(0, 300)}`,
      );
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.open(new URL(action, page.url), {
      method: 'POST',
      headers,
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Opens a provider's authorize URL and allows what is asked, or only `scopes` of it. */
  async approve(authorizeUrl, { account = 'ada', scopes } = {}) {
    const page = await this.open(authorizeUrl);
    const offered = [...page.body.matchAll(/name="scope" value="([^"]*)"/g)].map(([, scope]) => scope);
    const chosen = (scopes ?? offered).map((scope) => ['scope', scope]);
    return this.submit(page, [['account', account], ...chosen, ['decision', 'allow']]);
  }

  /** Opens a provider's authorize URL and refuses. */
  async deny(authorizeUrl) {
    const page = await this.open(authorizeUrl);
    return this.submit(page, [
      ['account', 'ada'],
      ['decision', 'deny'],
    ]);
  }
}
