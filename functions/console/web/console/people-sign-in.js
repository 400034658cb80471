// Who vouches for the workspace's own people, and which of them may do what.
import { el } from '../shared/dom.js';
import { field, lines } from '../shared/fields.js';
import { agentScopesField, agentScopesInWords } from './agent-scopes.js';
import { issuerKeys, keysInWords } from './issuer-keys.js';
import { announce, ask, button, copyable, empty, facts, form, heading, section } from './parts.js';
import { moment } from './words.js';

const WHERE = '/identity';

export async function peopleSignIn(context) {
  const { api, base } = context;
  const known = await api.get(WHERE).catch((problem) => {
    if (problem.status === 404) return undefined;
    throw problem;
  });
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings']],
      title: 'Sign-in',
      lead: 'Let people of your organisation sign in here with its own OpenID Connect issuer. Admin keys work as before.',
    }),
    section(
      'Redirect URI',
      { lead: 'Register the console as a client at your issuer first, with exactly this redirect URI.' },
      copyable(`${base}/console/signed-in`, 'the redirect URI'),
    ),
    section(
      'Issuer and people',
      {},
      known ? el('div', { class: 'card panel' }, facts(look(known))) : !api.mayWrite && nobody(),
      api.mayWrite && change(context, known),
    ),
  );
}

const nobody = () =>
  empty(
    'key',
    'Nobody signs in with the organisation yet',
    'Whoever holds an admin key that may change things can set it up.',
  );

const rule = (one) => one && [el('code', {}, one.claim), ' is ', one.values.join(', ')];

function look(known) {
  return [
    ['Issuer', el('code', {}, known.issuer)],
    ['Client ID', el('code', {}, known.client_id)],
    ['Client secret', known.has_client_secret ? 'Stored' : 'None: a public client'],
    ['May change everything', rule(known.admins)],
    ['May look only', rule(known.readers)],
    ['Keys', keysInWords(known)],
    ['Keys fetched', moment(known.keys_fetched_at)],
    ['Assistants', agentScopesInWords(known.agent_scopes)],
    [
      'Console',
      known.console_sign_in
        ? 'People can sign in'
        : 'The issuer does not say where to sign in: tokens only, by the API',
    ],
  ];
}

const line = (label, pointer, value, { hint, placeholder, type = 'text', mono = true } = {}) =>
  field({
    label,
    hint,
    pointer,
    control: el('input', {
      type,
      class: mono && 'mono',
      value: value ?? '',
      placeholder,
      spellcheck: 'false',
      autocomplete: 'off',
    }),
  });

const many = (label, pointer, values, hint) =>
  field({
    label,
    hint,
    pointer,
    control: el('textarea', { class: 'mono', rows: '3', spellcheck: 'false', value: (values ?? []).join('\n') }),
  });

function fieldsOf(known) {
  const issuer = line('Issuer', '/issuer', known?.issuer, {
    placeholder: 'https://login.acme.example',
    hint: 'The iss of every token, to the letter.',
  });
  return {
    issuer,
    client: line('Client ID', '/client_id', known?.client_id, {
      hint: 'Of the client that you registered for the console.',
    }),
    secret: line('Client secret', '/client_secret', '', {
      type: 'password',
      hint: known?.has_client_secret
        ? 'Leave it empty to keep the one that is stored.'
        : 'Leave it empty for a public client. It is stored sealed, and never shown.',
    }),
    adminClaim: line('Claim of admins', '/admins/claim', known?.admins.claim ?? 'groups', {
      hint: 'For example groups, email or sub. An email counts only if the issuer says that it is verified.',
    }),
    adminValues: many('Values that make an admin', '/admins/values', known?.admins.values, 'One per line.'),
    readerClaim: line('Claim of readers', '/readers/claim', known?.readers?.claim ?? 'groups', {
      hint: 'For people who may look, but change nothing.',
    }),
    readerValues: many(
      'Values that make a reader',
      '/readers/values',
      known?.readers?.values,
      'One per line. Leave it empty if there are to be none.',
    ),
    keys: issuerKeys(known, issuer),
    assistants: agentScopesField(['connectors:read', 'connectors:propose'], known?.agent_scopes),
  };
}

function change({ api, again }, known) {
  const fields = fieldsOf(known);
  const send = async () => {
    const readers = lines(fields.readerValues.control.value);
    await api.put(WHERE, {
      issuer: fields.issuer.value(),
      client_id: fields.client.value(),
      client_secret: fields.secret.value() || undefined,
      ...fields.keys.value(),
      agent_scopes: fields.assistants.value(),
      admins: { claim: fields.adminClaim.value(), values: lines(fields.adminValues.control.value) },
      readers: readers.length > 0 ? { claim: fields.readerClaim.value(), values: readers } : undefined,
    });
    fields.secret.control.value = '';
    await again();
    announce('Saved: the issuer was found. It holds everywhere within a minute.');
  };
  const remove = async () => {
    const done = await ask({
      title: 'Let nobody sign in with the organisation?',
      body: [el('p', {}, 'Whoever is signed in that way is refused within a minute. Admin keys work as before.')],
      yes: 'Remove',
      kind: 'primary danger',
      action: () => api.delete(WHERE).then(() => true),
    });
    if (done) await again();
  };
  const all = Object.values(fields).flatMap((one) => one.fields ?? one);
  const body = form(all, {
    children: all.map((one) => one.node),
    send,
    yes: 'Save sign-in',
    cancel: known && button('Remove', { kind: 'danger', action: remove }),
  });
  return known ? el('details', { class: 'more' }, el('summary', {}, 'Change'), body) : body;
}
