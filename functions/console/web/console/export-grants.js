// Connections leave, encrypted to a key of whoever takes them: made possible a day before, then page by page as files.
import { el, note, prose } from '../shared/dom.js';
import { field, showErrors } from '../shared/fields.js';
import { path } from './api.js';
import { head } from './connector-head.js';
import { announce, ask, button, copyable, facts, failure, section } from './parts.js';
import { count, moment } from './words.js';

export async function exportGrants(context) {
  const { api, parameters } = context;
  const where = path('connectors', parameters.id);
  const connector = await api.get(where);
  const from = connector.exportable_from && new Date(connector.exportable_from);
  const isOpen = from && from <= Date.now();
  return el(
    'div',
    { class: 'view' },
    head(context, connector, 'export'),
    section(
      'Take connections elsewhere',
      {
        lead: 'With their tokens, so that nobody has to connect again. They leave encrypted to your age key; without its other half, nobody can read the files.',
      },
      permission(context, connector, where, from, isOpen),
    ),
    isOpen && section('Stop refreshing here', {}, moving(context, connector, where)),
    isOpen && api.mayWrite && section('Export', {}, exporting(api, connector, where)),
    isOpen && section('What to do with the files', {}, afterwards(context, connector)),
  );
}

/** Whether connections may leave, since when, and the switch. */
function permission({ api, again }, connector, where, from, isOpen) {
  const change = async (exportable, said) => {
    await api.put(where, { exportable });
    await again();
    announce(said);
  };
  const allow = async () => {
    const done = await ask({
      title: `Let connections of ${connector.name} leave?`,
      body: [
        note(
          'warn',
          el('p', {}, 'From tomorrow on, whoever has an admin key can take the tokens of everybody who is connected.'),
          el(
            'p',
            {},
            'The day in between is there so that somebody notices: the audit trail says that you allowed it.',
          ),
        ),
      ],
      yes: 'Allow it from tomorrow on',
      action: () => api.put(where, { exportable: true }),
    });
    if (!done) return;
    await again();
    announce('Allowed. Connections may leave a day from now.');
  };
  const forbid = button('Forbid it again', { action: () => change(false, 'Connections stay here.') });
  if (!from)
    return el(
      'div',
      { class: 'card panel' },
      el('p', {}, 'Connections of this connector may not leave. It takes a day from when you allow it until they may.'),
      api.mayWrite && el('div', { class: 'buttons' }, button('Allow export', { action: allow })),
    );
  return el(
    'div',
    { class: 'card panel' },
    isOpen
      ? note('warn', el('p', {}, `Since ${moment(from)}, connections may leave. Forbid it when you are done.`))
      : note('info', el('p', {}, `It is allowed. Connections may leave from ${moment(from)} on.`)),
    api.mayWrite && el('div', { class: 'buttons' }, forbid),
  );
}

/** Whether the connections are on their way, and the switch. */
function moving({ api, again }, connector, where) {
  const since = connector.moving_out_since && new Date(connector.moving_out_since);
  const change = async (moving_out, said) => {
    await api.put(where, { moving_out });
    await again();
    announce(said);
  };
  const stop = button('Stop refreshing here', {
    action: () => change(true, 'Nothing is refreshed here any more. Export in a minute.'),
  });
  const stay = button('Go on refreshing here', { action: () => change(false, 'Connections stay here.') });
  const text = since
    ? `Since ${moment(since)}, nothing is refreshed here and nobody can connect. Tokens are handed out while they work.`
    : 'Of two deployments that refresh one connection, the second ends it at many providers. Before you move, have this one stop; a minute later you can export. Nobody can connect here then.';
  return el(
    'div',
    { class: 'card panel' },
    since ? note('warn', el('p', {}, text)) : el('p', {}, text),
    api.mayWrite && el('div', { class: 'buttons' }, since ? stay : stop),
  );
}

function exporting(api, connector, where) {
  const recipient = field({
    label: 'age recipient',
    hint: 'The public half of your key: what “age-keygen -y move.key” prints. It begins with age1.',
    pointer: '/recipient',
    control: el('input', {
      type: 'text',
      class: 'mono',
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: 'age1…',
    }),
  });
  const files = el('ul', { class: 'rows card', hidden: true });
  const said = el('p', { role: 'status' });
  const trouble = el('div', { role: 'alert' });
  const submit = el('button', { type: 'submit', class: 'primary' }, 'Begin export');
  const stop = el('button', { type: 'button', hidden: true }, 'Stop');
  let state;
  const run = async () => {
    const mine = state;
    trouble.replaceChildren();
    submit.hidden = true;
    stop.hidden = false;
    recipient.control.readOnly = true;
    try {
      await fetchPages(api, where, mine, form, (page) => {
        said.textContent = told(mine);
        files.hidden = false;
        files.append(file(connector, mine.pages, page));
      });
    } catch (problem) {
      const elsewhere = problem.errors?.length ? showErrors([recipient], problem.errors) : [];
      if (!problem.errors?.length) trouble.replaceChildren(failure(problem));
      else if (elsewhere.length > 0)
        trouble.replaceChildren(note('bad', ...elsewhere.map((text) => el('p', {}, prose(text)))));
    }
    const isBegun = mine.pages > 0 && !mine.isDone;
    if (!isBegun) recipient.control.readOnly = false;
    submit.textContent = isBegun ? 'Go on' : 'Begin export';
    submit.hidden = false;
    stop.hidden = true;
    said.textContent = mine.pages > 0 ? told(mine) : '';
  };
  const form = el(
    'form',
    { class: 'form card panel', novalidate: true, autocomplete: 'off' },
    recipient.node,
    trouble,
    el('div', { class: 'buttons' }, submit, stop),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!recipient.value()) {
      recipient.show('Enter the public half of your key.');
      recipient.control.focus();
      return;
    }
    if (!state || state.pages === 0 || state.isDone) {
      for (const link of files.querySelectorAll('a')) URL.revokeObjectURL(link.href);
      files.replaceChildren();
      files.hidden = true;
      state = { recipient: recipient.value(), cursor: null, pages: 0, exported: 0, leftOut: 0, isDone: false };
    }
    state.isStopped = false;
    run();
  });
  stop.addEventListener('click', () => (state.isStopped = true));
  return [form, said, files];
}

/** Fetches page after page until there is none, or somebody stops it or leaves. Where it is, is in `state`. */
async function fetchPages(api, where, state, form, show) {
  while (!state.isDone && !state.isStopped && form.isConnected) {
    const page = await api.post(`${where}/export`, { recipient: state.recipient, cursor: state.cursor });
    state.pages += 1;
    state.exported += page.exported;
    state.leftOut += page.left_out;
    state.cursor = page.next_cursor;
    state.isDone = !page.next_cursor;
    show(page);
  }
}

function told({ pages, exported, leftOut, isDone }) {
  const so = `${count(exported, 'connection', 'connections')} in ${count(pages, 'file', 'files')}`;
  const left =
    leftOut > 0
      ? ` ${count(leftOut, 'connection was', 'connections were')} left out: their grants have ended, or they can’t be opened.`
      : '';
  return isDone ? `Done: ${so}.${left} Save them all.` : `${so} so far. There are more.${left}`;
}

function file(connector, number, { file: text, exported }) {
  const name = `${connector.id}-${number}.age`;
  const href = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }));
  return el(
    'li',
    { class: 'row' },
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, name),
      el('p', { class: 'quiet small' }, count(exported, 'connection', 'connections')),
    ),
    el('a', { class: 'button', href, download: name, target: '_self', 'aria-label': `Save ${name}` }, 'Save'),
  );
}

function afterwards({ to }, connector) {
  const command = `age -d -i move.key ${connector.id}-1.age`;
  return el(
    'div',
    { class: 'card panel' },
    el(
      'p',
      {},
      'Each line inside is the body of an import: another deployment takes it as it is, by its console or its API.',
    ),
    copyable(command, 'the command'),
    facts([
      ['Then', 'Once they have arrived, delete the connector here, without ending the grants at the provider.'],
      ['Where', el('a', { href: to('connectors', connector.id) }, connector.name)],
    ]),
  );
}
