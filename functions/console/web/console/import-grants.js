// Connections come in from elsewhere: looked at first, and nothing is stored before somebody has seen what would be.
import { el, note, prose } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { path } from './api.js';
import { head } from './connector-head.js';
import { fromNango } from './from-nango.js';
import { NoGrants, Tally, batches, grantsIn } from './grants.js';
import { button, failure, section } from './parts.js';
import { count } from './words.js';

/** Of how many grants it is said what became of each. */
const MOST_SHOWN = 100;

const REASONS = {
  connected: 'somebody is connected there already',
  unreadable: 'what stands there can’t be read, and stays as it is',
  imported_before: 'it came in before',
  ended_before: 'it came in before, and was disconnected here since',
  user_deleted: 'the person’s data was deleted since it was given',
  plan_required: 'the plan has no room for it',
  blocked_by_policy: 'it is switched off under Policies',
};

export async function importGrants(context) {
  const { api, parameters } = context;
  const where = path('connectors', parameters.id);
  const connector = await api.get(where);
  return el(
    'div',
    { class: 'view' },
    head(context, connector, 'import'),
    section(
      'From a file',
      {
        lead: 'Grants that were given to the same client, so that nobody has to connect again. First it is looked at what would come in: nothing is stored before you have seen that.',
      },
      api.mayWrite
        ? entering(context, connector, where)
        : note('info', el('p', {}, 'You may look only. Importing needs an admin.')),
      shape(connector),
    ),
    section(
      'From a running Nango',
      {
        lead: 'A script fetches them there and brings them here, from wherever both can be reached. This deployment itself never calls Nango.',
      },
      fromNango(context, connector),
    ),
  );
}

/** What a grant looks like. */
function shape(connector) {
  const user = connector.kind === 'shared' ? {} : { app_id: 'app_…', user: { sub: 'alice' } };
  const example = {
    ...user,
    client_id: connector.client_id,
    access_token: '…',
    refresh_token: '…',
    expires_at: '2027-01-31T12:00:00Z',
    scopes: connector.scopes,
    account: { id: '…', name: '…', email: '…' },
  };
  const whose =
    connector.kind === 'shared'
      ? 'One grant, without a user: it becomes the account that all apps share.'
      : 'Each names the app and the user that it belongs to. What an export wrote is one import a line, and is taken as it is.';
  return el(
    'details',
    {},
    el('summary', {}, 'What a grant looks like'),
    el('p', { class: 'quiet' }, whose),
    el('pre', { class: 'code', tabindex: '0' }, JSON.stringify([example], null, 2)),
  );
}

function entering(context, connector, where) {
  const file = field({
    label: 'File',
    hint: 'JSON. It is read in this page and sent in pieces.',
    pointer: '/file',
    control: el('input', { type: 'file', accept: '.json,.jsonl,.ndjson,.txt,application/json' }),
  });
  const text = field({
    label: 'Or paste it',
    pointer: '/connections',
    control: el('textarea', { class: 'mono', rows: '6', spellcheck: 'false', autocomplete: 'off' }),
  });
  const replace = el('input', { type: 'checkbox' });
  const replaces = el(
    'label',
    { class: 'choice' },
    replace,
    el(
      'span',
      {},
      'Replace connections that are there already',
      el('span', { class: 'quiet small block' }, 'Otherwise whoever is connected here stays as they are.'),
    ),
  );
  const outcome = el('div', { class: 'notes', 'aria-live': 'polite' });
  const send = async () => {
    for (const one of [file, text]) one.show('');
    outcome.replaceChildren();
    const chosen = file.control.files[0];
    const from = chosen ? file : text;
    let grants;
    try {
      grants = grantsIn(chosen ? await chosen.text() : text.control.value);
    } catch (problem) {
      from.show(problem instanceof NoGrants ? problem.message : 'The file can’t be read.');
      from.control.focus();
      return;
    }
    // Tokens stand in the page no longer than it needs them.
    text.control.value = '';
    file.control.value = '';
    const wish = { on_conflict: replace.checked ? 'replace' : 'skip' };
    await lookFirst(context, { connector, where, grants, wish, outcome });
  };
  const form = el(
    'form',
    { class: 'form card panel', novalidate: true, autocomplete: 'off' },
    file.node,
    text.node,
    replaces,
    el('div', { class: 'buttons' }, button('Look what would come in', { kind: 'primary', type: 'submit' })),
  );
  const submit = form.querySelector('button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (submit.getAttribute('aria-busy') === 'true') return;
    submit.setAttribute('aria-busy', 'true');
    await send();
    submit.removeAttribute('aria-busy');
  });
  return [form, outcome];
}

/**
 * Sends all pieces from `from.at` on, for as long as somebody looks at the page. What was taken before a failure is kept in
 * `from`, to go on from there.
 */
async function sendAll(api, { where, wish, outcome }, pieces, from, progress) {
  for (; from.at < pieces.length && outcome.isConnected; from.at += 1) {
    const { first, grants, isTooLarge } = pieces[from.at];
    progress(first);
    if (isTooLarge) from.tally.addTooLarge(first);
    else
      from.tally.add(first, await api.post(`${where}/import`, { ...wish, connections: grants, dry_run: from.isLook }));
  }
  return from.tally;
}

const doing = (text) => el('p', { class: 'quiet' }, text);

async function lookFirst(context, work) {
  const { api } = context;
  const { grants, outcome } = work;
  const pieces = batches(grants);
  const look = { at: 0, tally: new Tally(), isLook: true };
  try {
    await sendAll(api, work, pieces, look, (done) =>
      outcome.replaceChildren(
        doing(`Looking: ${done.toLocaleString('en')} of ${grants.length.toLocaleString('en')} …`),
      ),
    );
  } catch (problem) {
    outcome.replaceChildren(failure(problem, () => lookFirst(context, work)));
    return;
  }
  const { tally } = look;
  const go = button(`Import ${count(tally.imported, 'connection', 'connections')}`, {
    kind: 'primary',
    action: () => bringIn(context, work, pieces, { at: 0, tally: new Tally(), isLook: false }),
  });
  const discard = button('Discard', { action: () => outcome.replaceChildren() });
  outcome.replaceChildren(
    note(
      tally.refused > 0 ? 'warn' : 'info',
      el(
        'p',
        {},
        el(
          'strong',
          {},
          `Of ${count(tally.all, 'grant', 'grants')}, ${tally.imported.toLocaleString('en')} would come in.`,
        ),
      ),
      rest(tally, 'would be '),
    ),
    each(tally),
    el('div', { class: 'buttons' }, tally.imported > 0 && go, discard),
  );
}

async function bringIn(context, work, pieces, from) {
  const { api, to } = context;
  const { connector, grants, outcome } = work;
  try {
    await sendAll(api, work, pieces, from, (done) =>
      outcome.replaceChildren(
        doing(`Importing: ${done.toLocaleString('en')} of ${grants.length.toLocaleString('en')} …`),
      ),
    );
  } catch (problem) {
    const so = `${count(from.tally.imported, 'connection has', 'connections have')} come in so far. Going on is safe: what came once does not come again.`;
    outcome.replaceChildren(failure(problem), note('info', el('p', {}, so)), goOn(context, work, pieces, from));
    return;
  }
  const { tally } = from;
  const people = el('a', { class: 'button', href: to('connectors', connector.id, 'people') }, 'See who is connected');
  outcome.replaceChildren(
    note(
      tally.refused > 0 ? 'warn' : 'good',
      el('p', {}, el('strong', {}, `${count(tally.imported, 'connection is', 'connections are')} here now.`)),
      rest(tally, ''),
    ),
    each(tally),
    connector.kind === 'shared' ? '' : el('div', { class: 'buttons' }, people),
  );
}

const goOn = (context, work, pieces, from) =>
  el(
    'div',
    { class: 'buttons' },
    button('Go on', { kind: 'primary', action: () => bringIn(context, work, pieces, from) }),
  );

function rest({ skipped, refused }, would) {
  const parts = [
    skipped > 0 && `${skipped.toLocaleString('en')} ${would}skipped`,
    refused > 0 && `${refused.toLocaleString('en')} ${would}refused`,
  ].filter(Boolean);
  return parts.length > 0 && el('p', {}, `${parts.join(', ')}.`);
}

/** What is to be said of single grants, by their numbers. */
function each({ results }) {
  if (results.length === 0) return '';
  const said = ({ index, status, reason, errors }) =>
    el(
      'li',
      { class: 'event' },
      el('strong', {}, `Grant ${index + 1}: ${status}`),
      el(
        'div',
        { class: 'row-text' },
        REASONS[reason] && el('p', {}, `${REASONS[reason]}.`),
        errors.map(({ pointer, detail }) => el('p', {}, el('code', {}, pointer), ' ', prose(detail))),
      ),
    );
  const left = results.length - MOST_SHOWN;
  return el(
    'div',
    { class: 'notes' },
    el('ol', { class: 'events card' }, results.slice(0, MOST_SHOWN).map(said)),
    left > 0 && el('p', { class: 'quiet small' }, `And ${left.toLocaleString('en')} more.`),
  );
}
