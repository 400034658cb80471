// A browser's cookie jar: the rules of RFC 6265bis that decide whether a cookie is kept and where it is sent.

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Chromium treats plain http on loopback as trustworthy, so `Secure` cookies are kept and sent there. */
const isTrustworthy = (url) => url.protocol === 'https:' || LOOPBACK.test(url.hostname);

function parse(header, url) {
  const [pair, ...attributes] = header.split(';').map((part) => part.trim());
  const at = pair.indexOf('=');
  const cookie = {
    name: pair.slice(0, at),
    value: pair.slice(at + 1),
    host: url.hostname,
    path: defaultPath(url),
    attributes: new Map(),
  };
  for (const attribute of attributes) {
    const [name, value = ''] = attribute.split('=');
    cookie.attributes.set(name.toLowerCase(), value);
  }
  if (cookie.attributes.get('path')?.startsWith('/')) cookie.path = cookie.attributes.get('path');
  return cookie;
}

const defaultPath = (url) => url.pathname.slice(0, Math.max(url.pathname.lastIndexOf('/'), 1));

const matchesPath = (path, cookiePath) =>
  path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);

/** Why a browser would throw this cookie away, or `null` if it keeps it. */
function refusal(cookie, url) {
  const has = (name) => cookie.attributes.has(name);
  if (has('secure') && !isTrustworthy(url)) return 'Secure over plain http';
  if (cookie.name.startsWith('__Secure-') && !has('secure')) return '__Secure- without Secure';
  if (
    cookie.name.startsWith('__Host-') &&
    !(has('secure') && cookie.attributes.get('path') === '/' && !has('domain'))
  ) {
    return '__Host- needs Secure, Path=/ and no Domain';
  }
  return null;
}

const isOver = (cookie) => {
  const age = cookie.attributes.get('max-age');
  if (age !== undefined) return Number(age) <= 0;
  const expires = cookie.attributes.get('expires');
  return expires !== undefined && Date.parse(expires) <= Date.now();
};

/** The cookies of one browser profile. */
export class Cookies {
  #kept = [];

  /** Takes the `Set-Cookie` headers of an answer from `url`; throws where a browser would silently drop one. */
  keep(setCookies, url) {
    for (const header of setCookies) {
      const cookie = parse(header, url);
      const reason = refusal(cookie, url);
      if (reason) throw new Error(`a browser refuses the cookie ${cookie.name}: ${reason}`);
      this.#kept = this.#kept.filter(
        (old) => !(old.name === cookie.name && old.host === cookie.host && old.path === cookie.path),
      );
      if (!isOver(cookie)) this.#kept.push(cookie);
    }
  }

  /** The `Cookie` header for a request to `url`, or `undefined`. */
  header(url) {
    const fitting = this.#kept.filter(
      (cookie) => cookie.host === url.hostname && matchesPath(url.pathname, cookie.path),
    );
    return fitting.length ? fitting.map(({ name, value }) => `${name}=${value}`).join('; ') : undefined;
  }

  /** The cookies kept for `hostname`. */
  of(hostname) {
    return this.#kept.filter((cookie) => cookie.host === hostname);
  }
}
