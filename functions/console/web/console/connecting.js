// Connecting what all apps share. The provider's page stands in a window of its own, because this one has the key in its
// memory. The window comes back to the console, says how it ended over a channel of this origin, and closes.

const CHANNEL = 'console.connecting.';

/** How long the window that came back waits for the page that opened it. */
const PATIENCE_MS = 500;

const FAILURES = {
  denied: 'At the provider, access was refused. Nothing has changed.',
  failed:
    'The account was not connected. If it is another one than before, disconnect first; else look at how the connector does.',
};

/** What the outcome of a session means; nothing if the account is connected. */
export const whyNot = (status) => (status === 'completed' ? undefined : (FAILURES[status] ?? FAILURES.failed));

/**
 * Connects in another window. Must be called within a click: browsers open no window otherwise. Answers the outcome, or
 * `undefined` if there will be none in this page, because the browser opens no windows.
 */
export async function connect(begin) {
  const opened = window.open('about:blank', '_blank');
  let begun;
  try {
    begun = await begin();
  } catch (problem) {
    opened?.close();
    throw problem;
  }
  if (!opened) {
    location.assign(begun.redirect_url);
    return undefined;
  }
  const channel = new BroadcastChannel(CHANNEL + begun.session_id);
  const outcome = new Promise((done) => {
    channel.onmessage = ({ data }) => {
      if (data?.status === undefined) return;
      channel.postMessage({ taken: true });
      done(String(data.status));
    };
  });
  opened.location = begun.redirect_url;
  return outcome.finally(() => channel.close());
}

/**
 * In a window that comes back from a provider: hands the outcome to the page that waits for it, and closes. Answers the
 * outcome if the page is shown all the same: with `isTaken`, because the browser does not let the window close itself.
 */
export async function handOver() {
  const brought = new URLSearchParams(location.search);
  const [session, status] = [brought.get('session_id'), brought.get('status')];
  if (!session || !status) return undefined;
  history.replaceState(null, '', location.pathname);
  const channel = new BroadcastChannel(CHANNEL + session);
  const isTaken = await new Promise((done) => {
    channel.onmessage = ({ data }) => data?.taken && done(true);
    channel.postMessage({ status });
    setTimeout(() => done(false), PATIENCE_MS);
  });
  channel.close();
  if (isTaken) window.close();
  return { status, isTaken };
}
