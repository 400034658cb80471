// Ending many connections at once: said which, looked how many that would be, and only then confirmed.
import { el, icon, note } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { Problem } from './api.js';
import { ask, button, form, heading, pill, section } from './parts.js';
import { criteriaInWords, stateOf } from './revocation.js';
import { count, moment } from './words.js';

export async function revocations(context) {
  const { api, to } = context;
  const [first, { connectors }, { apps }] = await Promise.all([
    api.get('/revocations'),
    api.get('/connectors'),
    api.get('/apps'),
  ]);
  return el(
    'div',
    { class: 'view' },
    heading({
      title: 'End connections',
      lead: 'Many at once: after a leak, or when an app goes. Apps get no token any more, and the grants are ended at the providers. First you see how many it would be; nothing ends before you confirm.',
    }),
    api.mayWrite
      ? section('Which connections', {}, choosing(context, connectors, apps))
      : note('info', el('p', {}, 'You may look only. Ending connections needs an admin.')),
    first.revocations.length > 0 && lately(context, first, { connectors, apps }),
  );
}

/** Those that were begun in the last month, the latest first. */
function lately({ api, to }, first, known) {
  const list = el('ul', { class: 'rows card' });
  const more = el('div', { class: 'buttons' });
  const show = ({ revocations: begun, next_cursor: cursor }) => {
    list.append(...begun.map((one) => row(one, to, known)));
    const next = async () => show(await api.get('/revocations', { cursor }));
    more.replaceChildren(...(cursor ? [button('Show older', { action: next })] : []));
  };
  show(first);
  return section('Begun lately', {}, list, more);
}

function row(one, to, known) {
  const [kind, text] = stateOf(one);
  return el(
    'li',
    { class: 'row' },
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, el('a', { class: 'whole', href: to('revocations', one.revocation_id) }, moment(one.began_at))),
      el(
        'p',
        { class: 'quiet small' },
        criteriaInWords(one.criteria, known)
          .map(([what, value]) => `${what}: ${value}`)
          .join(' · '),
      ),
      el('p', { class: 'quiet small' }, `${count(one.ended, 'connection', 'connections')} ended`),
    ),
    pill(kind, text),
    icon('next'),
  );
}

const select = (all, every) =>
  el(
    'select',
    {},
    el('option', { value: '' }, every),
    all.map(({ id, name }) => el('option', { value: id }, name)),
  );

function fieldsOf(connectors, apps) {
  const input = (more) =>
    el('input', { type: 'text', class: 'mono', autocomplete: 'off', spellcheck: 'false', ...more });
  const time = (label, hint, pointer) =>
    field({ label, hint, pointer, control: el('input', { type: 'datetime-local' }) });
  return {
    connector: field({ label: 'Connector', pointer: '/connector_id', control: select(connectors, 'Every connector') }),
    app: field({ label: 'App', pointer: '/app_id', control: select(apps, 'Every app') }),
    sub: field({
      label: 'User ID',
      hint: 'Of one person of the app that is chosen. Leave it empty for everybody.',
      pointer: '/user/sub',
      control: input({ maxlength: '255' }),
    }),
    issuer: field({
      label: 'Issuer',
      hint: 'Who signed that person in. Leave it empty for the app’s own.',
      pointer: '/user/issuer',
      control: input({ placeholder: 'https://' }),
    }),
    after: time('Connected from', 'At this moment or later, by your clock.', '/connected_after'),
    before: time('Connected before', 'Leave both empty for any time.', '/connected_before'),
  };
}

/** What is chosen, as the API takes it. */
function criteria({ connector, app, sub, issuer, after, before }) {
  const at = (one) => (one.value() ? new Date(one.value()).toISOString() : undefined);
  const given = (value) => value || undefined;
  const user = sub.value() && { app_id: app.value(), sub: sub.value(), issuer: given(issuer.value()) };
  return {
    connector_id: given(connector.value()),
    app_id: given(app.value()),
    user: given(user),
    connected_after: at(after),
    connected_before: at(before),
  };
}

function choosing(context, connectors, apps) {
  const { api } = context;
  const fields = fieldsOf(connectors, apps);
  const all = Object.values(fields);
  const outcome = el('div', { class: 'notes', 'aria-live': 'polite' });
  // What was seen was of something else.
  const forget = () => outcome.replaceChildren();
  for (const { control } of all) control.addEventListener('input', forget);
  const send = async () => {
    forget();
    if ((fields.sub.value() || fields.issuer.value()) && !fields.app.value()) {
      fields.app.show('Choose the app whose user that is.');
      fields.app.control.focus();
      return;
    }
    if (fields.issuer.value() && !fields.sub.value()) {
      fields.sub.show('Enter whom the issuer signed in.');
      fields.sub.control.focus();
      return;
    }
    const wish = criteria(fields);
    const look = await api.post('/revocations', wish);
    outcome.replaceChildren(...seen(context, wish, look, { connectors, apps }));
  };
  const more = el(
    'details',
    {},
    el('summary', {}, 'One person, or a time'),
    el(
      'div',
      { class: 'form' },
      [fields.sub, fields.issuer, fields.after, fields.before].map(({ node }) => node),
    ),
  );
  const unfolding = all.map((one) => ({
    ...one,
    show: (text) => {
      if (text && more.contains(one.node)) more.open = true;
      one.show(text);
    },
  }));
  return [
    form(unfolding, {
      children: [fields.connector.node, fields.app.node, more],
      send,
      yes: 'See what would end',
    }),
    outcome,
  ];
}

/** What would end, and the way on. */
function seen(context, wish, look, known) {
  const { matches, has_more: hasMore, looked_at: all } = look;
  const among = hasMore
    ? `${count(all, 'connection was', 'connections were')} looked at, which are not all: whatever else fits ends, too.`
    : `${count(all, 'connection was', 'connections were')} looked at.`;
  if (matches === 0 && !hasMore)
    return [
      note('info', el('p', {}, el('strong', {}, 'No connection fits. There is nothing to end.')), el('p', {}, among)),
    ];
  const figure = matches === 0 ? 'what fits' : count(matches, 'connection', 'connections', hasMore);
  const said = matches === 0 ? 'None of these fits, but others may' : `${figure} would end`;
  const go = el('button', { type: 'button', class: 'primary danger' }, `End ${figure}`);
  go.addEventListener('click', () => confirm(context, wish, look, known, figure));
  return [
    note(
      'warn',
      el('p', {}, el('strong', {}, `${said.charAt(0).toUpperCase()}${said.slice(1)}.`)),
      el('p', {}, `${among} What is connected from now on stays.`),
    ),
    el('div', { class: 'buttons' }, go),
  ];
}

async function confirm({ api, go, to }, wish, look, known, figure) {
  const words = criteriaInWords(described(wish), known);
  const begun = await ask({
    title: `End ${figure}?`,
    body: [
      note(
        'bad',
        el('p', {}, el('strong', {}, 'Apps lose them, and their people have to connect again.')),
        el('p', {}, 'Ten a second of each connector. It can’t be stopped, and can’t be undone.'),
      ),
      el(
        'ul',
        {},
        words.map(([what, value]) => el('li', {}, `${what}: `, el('strong', {}, value))),
      ),
    ],
    typed: String(look.matches),
    typedIs: 'number',
    yes: `End ${figure}`,
    no: 'Keep them',
    kind: 'primary danger',
    action: () => begin(api, { ...wish, dry_run: false, confirm: look.confirm }),
  });
  if (begun) await go(to('revocations', begun.revocation_id));
}

async function begin(api, wish) {
  try {
    return await api.post('/revocations', wish);
  } catch (problem) {
    if (!problem.errors?.some(({ pointer }) => pointer === '/confirm')) throw problem;
    const detail = 'You looked more than a quarter of an hour ago. Nothing has ended. Go back, and look again.';
    throw new Problem(problem.status, { detail, request_id: problem.requestId });
  }
}

/** What is asked for, by the names that a report has. */
const described = ({ user, ...rest }) => ({
  ...rest,
  app_id: rest.app_id ?? user?.app_id,
  issuer: user?.issuer,
  sub: user?.sub,
});
