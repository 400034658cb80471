// Signing in: a workspace and a key of it.
import { el, icon, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { Api } from './api.js';
import { button, failure, form } from './parts.js';

/** Which workspace this browser signed in to last. Its id is no secret; the key is kept nowhere. */
const REMEMBERED = 'console.workspace';

const remembered = () => {
  try {
    return localStorage.getItem(REMEMBERED) ?? '';
  } catch {
    return '';
  }
};

const remember = (workspace) => {
  try {
    localStorage.setItem(REMEMBERED, workspace);
  } catch {
    // A browser that keeps nothing asks again.
  }
};

/** The form. `done` is given the API as whoever signed in. */
export function signIn({ workspace, why, done, ended }) {
  const where = field({
    label: 'Workspace ID',
    pointer: '/workspace',
    control: el('input', {
      type: 'text',
      class: 'mono',
      value: workspace || remembered(),
      placeholder: 'ws_…',
      autocapitalize: 'off',
      spellcheck: 'false',
      autocomplete: 'off',
    }),
  });
  const secret = field({
    label: 'Admin key',
    hint: 'Begins with uck_admin_, or with uck_read_ for one that may look only.',
    pointer: '/key',
    control: el('input', {
      type: 'password',
      class: 'mono',
      placeholder: ' ',
      autocomplete: 'off',
      spellcheck: 'false',
    }),
  });
  const fields = [where, secret];
  const send = async () => {
    if (!where.value()) return stop(where, 'Write the workspace’s ID.');
    if (!secret.value()) return stop(secret, 'Paste an admin key of the workspace.');
    if (!/^[\x21-\x7e]+$/.test(secret.value()))
      return stop(secret, 'This can’t be a key: it has spaces or odd characters in it.');
    const api = new Api(where.value(), secret.value(), ended);
    try {
      await api.get('/connectors');
    } catch (problem) {
      if (problem.status === 401)
        return stop(secret, 'This key is not accepted. Was it copied whole, and is it not revoked?');
      if (problem.status === 404) return stop(where, 'The key is good, but not for this workspace.');
      throw problem;
    }
    secret.control.value = '';
    remember(where.value());
    return done(api);
  };
  const trouble = el('div', { role: 'alert' });
  const leave = async () => {
    trouble.replaceChildren();
    where.show('');
    if (!where.value()) return stop(where, 'Write the workspace’s ID.');
    try {
      remember(where.value());
      const { leaveForIssuer } = await import('./organisation.js');
      await leaveForIssuer(where.value(), location.pathname);
    } catch (problem) {
      if (problem.status === 404)
        return stop(where, 'Nobody can sign in to this workspace that way: is the ID right, and did an admin set it up?');
      trouble.replaceChildren(failure(problem));
    }
    return undefined;
  };
  return el(
    'main',
    { class: 'sign-in' },
    el('p', { class: 'brand' }, el('span', { class: 'mark' }, icon('plug')), 'Connectors'),
    el('h1', {}, 'Sign in'),
    el('p', { class: 'quiet' }, 'The console for which accounts people can connect to your apps.'),
    why && note('warn', el('p', {}, why)),
    form(fields, { children: fields.map((one) => one.node), send, yes: 'Sign in', inCard: false }),
    el('p', { class: 'or quiet small' }, 'or, with the workspace ID only'),
    button('Sign in with your organisation', { action: leave }),
    trouble,
    el(
      'p',
      { class: 'quiet small' },
      'What proves who you are stays in the memory of this tab and is stored nowhere. A reload asks again: what is not kept can’t be ',
      'found later, by another person at this computer or by a program.',
    ),
    el(
      'details',
      { class: 'small' },
      el('summary', {}, 'Where do I find these?'),
      el(
        'p',
        { class: 'quiet' },
        'Founding the workspace printed both, once. Where a developer runs everything with ',
        el('code', {}, 'cargo run'),
        ', they are in ',
        el('code', {}, '.local/dev.json'),
        '. Whoever is signed in can make a further key under Admin keys.',
      ),
    ),
  );
}

function stop(where, text) {
  where.show(text);
  where.control.focus();
}
