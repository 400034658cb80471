// Signing in at the workspace's own issuer: the authorization code flow with PKCE (RFC 7636). State, nonce and verifier are
// made here, and wait in this tab until the browser comes back; what comes back goes to the API, which asks the issuer.
import { openly, Problem } from './api.js';

const KEPT = 'console.sign-in';
const CHANNEL = 'console.sign-in';

/** How long another window of the console is given to say that it began this sign-in. */
const PATIENCE_MS = 1500;

/** How long a sign-in in a window of its own may take. */
const LIFE_MS = 600_000;

const encoded = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
const random = () => encoded(crypto.getRandomValues(new Uint8Array(32)));
const challenge = async (verifier) =>
  encoded(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));

/** Where the browser is to be sent, and what has to be kept until it is back. */
async function begin(workspace, to) {
  const way = await openly('GET', workspace, '/sign-in');
  const kept = { workspace, to, state: random(), nonce: random(), verifier: random() };
  const url = new URL(way.authorization_endpoint);
  const parameters = {
    response_type: 'code',
    client_id: way.client_id,
    redirect_uri: way.redirect_uri,
    scope: way.scopes,
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: await challenge(kept.verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { kept, url: url.href };
}

/** Turns what the issuer sent back into who is signed in. */
export async function finish({ workspace, nonce, verifier }, { code, iss, error }) {
  if (error || !code) throw new Problem(400, { detail: refusal(error) });
  const body = { code, code_verifier: verifier, nonce, ...(iss && { iss }) };
  return { workspace, ...(await openly('POST', workspace, '/sign-in/token', body)) };
}

function refusal(error) {
  if (error === 'access_denied') return 'You declined, or your organisation did not let you go on. Nothing was opened.';
  if (error === 'unauthorized_client' || error === 'invalid_client')
    return 'Your organisation’s sign-in does not know this workspace’s client: an admin has to correct it under Sign-in.';
  const code = /^[a-z_]{1,40}$/.test(error ?? '') ? ` It says: ${error}.` : '';
  return `Your organisation’s sign-in did not let you in.${code} Try again, or ask whoever runs it.`;
}

/** Leaves this page for the issuer; `to` is where the person wanted to go. */
export async function leaveForIssuer(workspace, to) {
  const { kept, url } = await begin(workspace, to);
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
  location.assign(url);
}

/** What this tab kept for the sign-in with this state, once. */
export function takeKept(state) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (!state || kept?.state !== state) return undefined;
    sessionStorage.removeItem(KEPT);
    return kept;
  } catch {
    return undefined;
  }
}

/** Signs in again in a window of its own, so that this page stays as it is. */
export async function signInBeside(workspace) {
  const popup = window.open('', '_blank', 'popup,width=520,height=720');
  if (!popup) throw new Problem(0, { detail: 'The browser blocked the window. Allow it for this page, then try again.' });
  popup.opener = null; // What the issuer shows there can't reach back to this page.
  try {
    const { kept, url } = await begin(workspace);
    popup.location.replace(url);
    return await finish(kept, await brought(kept.state));
  } catch (problem) {
    popup.close();
    throw problem;
  }
}

function brought(state) {
  return new Promise((resolve, reject) => {
    const channel = new BroadcastChannel(CHANNEL);
    const late = () => {
      channel.close();
      reject(new Problem(0, { detail: 'Nobody came back from your organisation’s sign-in. Try again.' }));
    };
    const life = setTimeout(late, LIFE_MS);
    channel.onmessage = ({ data }) => {
      if (data?.state !== state || data.taken) return;
      clearTimeout(life);
      channel.postMessage({ state, taken: true });
      channel.close();
      resolve(data);
    };
  });
}

/** Gives what came back to the window of the console that waits for it; whether there is one. */
export function handOver(answer) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(CHANNEL);
    const end = (isTaken) => {
      clearTimeout(timer);
      channel.close();
      resolve(isTaken);
    };
    const timer = setTimeout(end, PATIENCE_MS, false);
    channel.onmessage = ({ data }) => data?.state === answer.state && data.taken && end(true);
    channel.postMessage(answer);
  });
}
