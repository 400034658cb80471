// How the script that takes connections over from a running Nango is called for one connector.
import { el } from '../shared/dom.js';
import { copyable, facts } from './parts.js';

export function fromNango({ api, base }, connector) {
  const isShared = connector.kind === 'shared';
  const said = {
    NANGO_URL: 'https://nango.example',
    NANGO_KEY: '…',
    INTEGRATION: '…',
    API: `${base}/api/workspace/${api.workspace}/connectors/${connector.id}`,
    ADMIN: 'uck_admin_…',
    CLIENT_ID: connector.client_id,
    ...(isShared ? {} : { APP: 'app_…' }),
    DRY_RUN: '1',
  };
  const quoted = (value) => (/^[\w./:-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);
  const command = `${Object.entries(said)
    .map(([name, value]) => `${name}=${quoted(value)}`)
    .join(' \\\n')} \\\nnode functions/move-grants/from-nango.mjs`;
  const code = (text) => el('code', {}, text);
  return el(
    'div',
    { class: 'card panel' },
    el(
      'p',
      {},
      'It needs Node and this project’s files. With ',
      code('DRY_RUN=1'),
      ' it says what would come in; without, it brings it in.',
    ),
    copyable(command, 'the command'),
    facts(
      [
        [code('INTEGRATION'), 'What the integration is called in Nango.'],
        !isShared && [
          code('APP'),
          'The app whose users they are. A user’s ID is Nango’s connection ID, or with USER_IS=end_user.id the end user’s.',
        ],
        [code('ON_CONFLICT=replace'), 'Replaces connections that are there already.'],
      ].filter(Boolean),
    ),
    el(
      'p',
      { class: 'quiet' },
      'Stop what uses Nango before the last run: where refresh tokens work once, whoever refreshes second ends the grant.',
    ),
  );
}
