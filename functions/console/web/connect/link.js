// What the page asks: the link that it is the page of, and nothing else.

/** An answer that is not what was asked for. `code` is for whoever is asked for help. */
export class LinkError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

async function ask(what) {
  let answer;
  try {
    answer = await fetch(`${location.pathname.replace(/\/$/, '')}/${what}`, {
      method: 'POST',
      headers: { 'x-own-page': '1' },
    });
  } catch {
    throw new LinkError('unreachable');
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new LinkError(answer.status >= 500 ? 'unreachable' : (said.code ?? 'unreachable'));
  return said;
}

/** Opens the link: from now on it belongs to this browser. */
export const open = () => ask('open');
/** Where the provider is, for this moment. */
export const goOn = async () => (await ask('continue')).redirect_url;
export const decline = () => ask('decline');
export const disconnect = () => ask('disconnect');

/** Tells the app's own page, if it opened this one, and only if it is of an origin that is registered for the app. */
export function tell(link, status) {
  if (!window.opener) return false;
  for (const origin of link.origins) window.opener.postMessage({ session_id: link.session_id, status }, origin);
  return true;
}

/** Where the app expects its user, with how it went. */
export function home(link, status) {
  const address = new URL(link.return_url);
  address.searchParams.set('session_id', link.session_id);
  address.searchParams.set('status', status);
  return address.href;
}
