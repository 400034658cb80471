// Who vouches for an app's users, and whether a token of theirs would be taken.
import { el, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { agentScopesField, agentScopesInWords } from './agent-scopes.js';
import { path } from './api.js';
import { issuerKeys, keysInWords } from './issuer-keys.js';
import { announce, ask, button, empty, facts, failure, form, section } from './parts.js';
import { moment } from './words.js';

/** The claims that count, in the order in which they are asked about. */
const CLAIMS = ['iss', 'aud', 'sub', 'exp', 'nbf', 'iat'];
const TIMES = new Set(['exp', 'nbf', 'iat']);

export function identitySection(context, app) {
  const { api } = context;
  const lead = 'Users show the token of your own sign-in. It is taken if this issuer signed it, for this audience.';
  const nobody = empty(
    'key',
    'Nobody vouches for its users yet',
    'Save the issuer and the audience of the tokens that your sign-in gives to people.',
  );
  return section(
    'Sign-in of its users',
    { lead },
    app.identity ? el('div', { class: 'card panel' }, known(app.identity)) : !api.mayWrite && nobody,
    api.mayWrite && change(context, app),
    api.mayWrite && check(context, app),
  );
}

function known(identity) {
  return facts([
    ['Issuer', el('code', {}, identity.issuer)],
    ['Audience', el('code', {}, identity.audience)],
    ['Keys', keysInWords(identity)],
    ['Keys fetched', moment(identity.keys_fetched_at)],
    ['Assistants', agentScopesInWords(identity.agent_scopes)],
  ]);
}

function change({ api, again }, app) {
  const line = (label, pointer, value, placeholder, hint) =>
    field({
      label,
      hint,
      pointer,
      control: el('input', {
        type: 'text',
        class: 'mono',
        value,
        placeholder,
        spellcheck: 'false',
        autocomplete: 'off',
      }),
    });
  const issuer = line(
    'Issuer',
    '/issuer',
    app.identity?.issuer,
    'https://login.planner.example',
    'The iss of every token, to the letter.',
  );
  const audience = line('Audience', '/audience', app.identity?.audience, 'planner', 'The aud of every token.');
  const keys = issuerKeys(app.identity, issuer);
  const assistants = agentScopesField(['connections:read', 'connections:write'], app.identity?.agent_scopes);
  const fields = [issuer, audience, ...keys.fields, assistants];
  const where = `${path('apps', app.id)}/identity`;
  const send = async () => {
    await api.put(where, {
      issuer: issuer.value(),
      audience: audience.value(),
      ...keys.value(),
      agent_scopes: assistants.value(),
    });
    await again();
    announce('Saved: its keys were found.');
  };
  const forget = async () => {
    const done = await ask({
      title: 'Let nobody vouch for its users?',
      body: [
        el(
          'p',
          {},
          'No user’s token is taken any more: nobody can connect or disconnect in this app until there is an issuer again.',
        ),
      ],
      yes: 'Remove',
      kind: 'primary danger',
      action: () => api.delete(where).then(() => true),
    });
    if (done) await again();
  };
  const body = form(fields, {
    children: fields.map((one) => one.node),
    send,
    yes: 'Save sign-in',
    cancel: app.identity && button('Remove', { kind: 'danger', action: forget }),
  });
  return app.identity ? el('details', { class: 'more' }, el('summary', {}, 'Change'), body) : body;
}

function check({ api }, app) {
  const token = field({
    label: 'Token of a user',
    hint: 'It is read in this page and sent to the API to be checked; it is not stored, logged or shown to anybody.',
    pointer: '/token',
    control: el('textarea', {
      class: 'mono',
      rows: '3',
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: 'eyJ…',
    }),
  });
  const result = el('div', { class: 'notes', role: 'status' });
  const send = async () => {
    const pasted = token.value().replace(/^bearer\s+/i, '');
    result.replaceChildren();
    if (!pasted) {
      token.show('Paste a token that your sign-in gave to a user.');
      token.control.focus();
      return;
    }
    try {
      const { valid, detail } = await api.post(`${path('apps', app.id)}/identity/check`, { token: pasted });
      const kind = valid ? 'good' : 'bad';
      result.replaceChildren(
        note(kind, el('strong', {}, valid ? 'Taken' : 'Not taken'), el('p', {}, detail)),
        ...content(pasted, app.identity),
      );
    } catch (problem) {
      result.replaceChildren(failure(problem));
    }
  };
  const body = form([token], { children: token.node, send, yes: 'Check the token' });
  return el('details', { class: 'more' }, el('summary', {}, 'Check a token'), body, result);
}

/** What the token says, read in the page. */
function content(token, identity) {
  const [header, claims] = token.split('.').slice(0, 2).map(decoded);
  if (!claims) return [];
  const rows = [
    ['alg', header?.alg],
    ['kid', header?.kid],
    ...CLAIMS.map((name) => [name, TIMES.has(name) ? time(claims[name]) : claims[name]]),
  ];
  const wanted = { iss: identity?.issuer, aud: identity?.audience };
  const shown = rows.map(([name, value]) => [name, [said(value), mismatch(value, wanted[name])]]);
  return [el('div', { class: 'card panel' }, el('h3', {}, 'What it says'), facts(shown))];
}

const said = (value) =>
  value === undefined ? el('span', { class: 'quiet' }, 'not there') : el('code', {}, plain(value));

function mismatch(value, wanted) {
  if (wanted === undefined || [value].flat().includes(wanted)) return undefined;
  return el('p', { class: 'small wrong' }, 'The app takes ', el('code', {}, wanted));
}

const plain = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const time = (value) =>
  typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 8e12
    ? `${value} (${moment(value * 1000)})`
    : value;

function decoded(part) {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (letter) =>
      letter.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
