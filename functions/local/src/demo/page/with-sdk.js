// The same with the npm package, unmodified: the SDK begins and disconnects, connect.js beside it finishes what comes back.
// Copy it into an app with a bundler; `settings` are the app's own.

import { createClient } from '@base44/sdk';
import { configure } from 'connect-js';

/**
 * `settings`: `serverUrl` (where the API is), `appId`, `connectorId`, `getToken` (the signed-in user's token).
 * `connectJs` is false for an app that leaves connect.js away, to see what it is for.
 */
export async function start(settings, { connectJs = true, tell = console.log } = {}) {
  const { serverUrl, appId, connectorId, getToken } = settings;
  const sdk = createClient({ serverUrl, appId, token: await getToken() });

  if (connectJs) {
    // Takes what the way back left in the address, and finishes it in the user's name.
    const connectors = configure({ app: appId, api: serverUrl, getToken });
    connectors.addEventListener('connected', () => tell('Connected.'));
    connectors.addEventListener('failed', ({ detail }) => tell(detail.message));
  } else if (new URLSearchParams(location.search).get('status') === 'awaiting_finish') {
    tell('Not connected yet: this page has to load connect.js, which finishes the session in its user’s name.');
  }

  return {
    /** Leaves for the provider. */
    async connect() {
      location.href = await sdk.connectors.connectAppUser(connectorId);
    },
    disconnect: () => sdk.connectors.disconnectAppUser(connectorId),
  };
}
