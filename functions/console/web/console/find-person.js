// Looking a person up: by their id in an app, which is exact, or by what their account is called, which has to be searched.
import { el, icon, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { nameOf } from './connection-card.js';
import { button, empty, failure, form, heading, initial, section } from './parts.js';
import { personHref } from './person.js';
import { count } from './words.js';

/** How many connections one press of the button looks at: nothing is sorted by what accounts are called. */
const AT_A_TIME = 1_000;

export async function findPerson(context) {
  const { api, to } = context;
  const [{ apps }, { connectors }] = await Promise.all([api.get('/apps'), api.get('/connectors')]);
  const head = heading({
    title: 'People',
    lead: 'Look somebody up, see all that they have connected, and end it if they ask for that.',
  });
  if (apps.length === 0) {
    const add = el('a', { class: 'button primary', href: to('apps', 'new') }, icon('plus'), 'Register app');
    const text = 'People are users of your apps. Register one, and say who signs in its users.';
    return el(
      'div',
      { class: 'view' },
      head,
      empty('person', 'There is no app yet', text, ...(api.mayWrite ? [add] : [])),
    );
  }
  return el('div', { class: 'view' }, head, byId(context, apps), byAccount(context, apps, connectors));
}

function byId({ go, to }, apps) {
  const app = field({
    label: 'App',
    pointer: '/app',
    control: el(
      'select',
      {},
      apps.map((one) => el('option', { value: one.id }, one.name)),
    ),
  });
  const input = (more) =>
    el('input', { type: 'text', class: 'mono', autocomplete: 'off', spellcheck: 'false', ...more });
  const sub = field({
    label: 'User ID',
    hint: 'What “sub” says in the tokens that your sign-in gives its users.',
    pointer: '/sub',
    control: input({ maxlength: '255' }),
  });
  const issuer = field({
    label: 'Issuer',
    hint: 'Who signed the person in. Leave it empty for the app’s own.',
    pointer: '/issuer',
    control: input({ placeholder: 'https://' }),
  });
  const send = async () => {
    if (!sub.value()) {
      sub.show('Enter the ID of a user.');
      sub.control.focus();
      return;
    }
    await go(personHref(to, { app_id: app.value(), sub: sub.value(), issuer: issuer.value() }));
  };
  const more = el('details', {}, el('summary', {}, 'Signed in by somebody else'), issuer.node);
  return section(
    'By user ID',
    {},
    form([app, sub, issuer], { children: [app.node, sub.node, more], send, yes: 'Look up' }),
  );
}

/** Whether what is known of a connection has all the words in it. */
function fits({ account, label, user }, words) {
  const known = [account?.label, account?.email, account?.id, label, user.sub].join(' ').toLowerCase();
  return words.every((word) => known.includes(word));
}

/** Every connection of people, a page at a time, of one connector after the other. */
async function* pages(api, connectors) {
  for (const { id } of connectors) {
    let cursor;
    do {
      const page = await api.get(path('connectors', id, 'connections'), { cursor });
      yield page.connections;
      cursor = page.next_cursor;
    } while (cursor);
  }
}

function byAccount({ api, to }, apps, connectors) {
  const text = field({
    label: 'Name, e-mail address or ID of the account',
    hint: 'A part of it is enough. Not every provider tells what an account is called.',
    pointer: '/text',
    control: el('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' }),
  });
  const found = el('ul', { class: 'rows card', hidden: true });
  const said = el('p', { class: 'quiet small', role: 'status' });
  const more = el('div', { class: 'notes' });
  const own = connectors.filter(({ kind }) => kind === 'per_user');
  const nameOfApp = (id) => apps.find((one) => one.id === id)?.name ?? id;
  let turn = 0;
  const search = async () => {
    turn += 1;
    const words = text.value().toLowerCase().split(/\s+/).filter(Boolean);
    found.replaceChildren();
    found.hidden = true;
    more.replaceChildren();
    said.textContent = '';
    if (words.length === 0) {
      text.show('Enter what you know of the account.');
      text.control.focus();
      return;
    }
    const known = new Set();
    await look({ mine: turn, words, known, from: pages(api, own), all: 0 });
  };
  const add = (known, one) => {
    const who = { app_id: one.app_id, ...one.user };
    const key = JSON.stringify(who);
    if (known.has(key)) return;
    known.add(key);
    found.append(row(to, one, who, nameOfApp(one.app_id)));
    found.hidden = false;
  };
  /** Goes on until so many were looked at, or somebody looks for something else. */
  const look = async (state) => {
    const { mine, words, known, from } = state;
    const until = state.all + AT_A_TIME;
    more.replaceChildren();
    try {
      while (state.all < until) {
        const { value: connections, done } = await from.next();
        if (mine !== turn || !said.isConnected) return;
        if (done) {
          said.textContent = ended(known.size, state.all);
          return;
        }
        state.all += connections.length;
        for (const one of connections) if (fits(one, words)) add(known, one);
        said.textContent = `${state.all.toLocaleString('en')} looked at, ${known.size} found …`;
      }
    } catch (problem) {
      more.replaceChildren(failure(problem, search));
      return;
    }
    said.textContent = `${state.all.toLocaleString('en')} looked at, ${known.size} found. There are more.`;
    more.replaceChildren(el('div', { class: 'buttons' }, button('Look further', { action: () => look(state) })));
  };
  return section(
    'By account',
    {
      lead: 'For whoever tells you their e-mail address, not their ID. This looks through all connections, one page after the other.',
    },
    own.length === 0
      ? note('info', el('p', {}, 'There is no connector that people connect accounts of their own through.'))
      : [form([text], { children: [text.node], send: search, yes: 'Search' }), said, found, more],
  );
}

const ended = (number, all) =>
  number > 0
    ? `${count(number, 'person', 'people')} found among ${count(all, 'connection', 'connections')}.`
    : `Nobody found among ${count(all, 'connection', 'connections')}.`;

function row(to, connection, who, app) {
  const name = nameOf(connection);
  const email = connection.account?.email;
  return el(
    'li',
    { class: 'row' },
    initial(name, who.sub),
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, el('a', { class: 'whole', href: personHref(to, who) }, name)),
      el('p', { class: 'quiet small' }, [email !== name && email, `${who.sub} in ${app}`].filter(Boolean).join(' · ')),
    ),
    icon('next'),
  );
}
