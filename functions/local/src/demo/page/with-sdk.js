// The same with the npm package, unmodified: the SDK begins and disconnects, connect.js beside it finishes what comes back.
// Copy it into an app with a bundler.

import { configure } from 'connect-js';
import { createClient } from '@base44/sdk';

/** `serverUrl` is where the API is, `getToken` answers the signed-in user's token, `tell` shows a sentence. */
export async function start({ serverUrl, appId, connectorId, getToken, tell }) {
  // Takes what the way back left in the address, and finishes it in the user's name.
  const connectors = configure({ app: appId, api: serverUrl, getToken });
  connectors.addEventListener('connected', () => tell('Connected.'));
  connectors.addEventListener('failed', ({ detail }) => tell(detail.message));

  const sdk = createClient({ serverUrl, appId, token: await getToken() });

  return {
    /** Leaves for the provider. */
    async connect() {
      location.href = await connectors.expect(await sdk.connectors.connectAppUser(connectorId));
    },
    /** Or sends a popup there, which connect.js closes when it is done. Opened within the click, or it is blocked. */
    async connectInPopup() {
      const popup = window.open('', '_blank', 'popup,width=520,height=720');
      (popup ?? window).location.href = await connectors.expect(await sdk.connectors.connectAppUser(connectorId));
    },
    disconnect: () => sdk.connectors.disconnectAppUser(connectorId),
  };
}
