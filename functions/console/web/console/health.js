// How connectors do: what their providers answered, and what was found wrong with them.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { button, empty, failure, heading, pill, section } from './parts.js';
import { clock, connectorState, count, moment } from './words.js';

const KINDS = { error: 'bad', warning: 'warn', info: 'info' };

/** What is known of how one connector does; nothing, where `onlyTrouble` is asked for and there is none. */
export function checkup({ api, again }, examined, { onlyTrouble = false } = {}) {
  const findings = examined.doctor?.findings ?? [];
  const notes = [provider(examined.health), ...findings.map(finding)].filter(Boolean);
  const isFine = notes.length === 0;
  const examine = async () => {
    try {
      await api.post(`${path('connectors', examined.id)}/doctor`);
      again();
    } catch (problem) {
      trouble.replaceChildren(failure(problem));
    }
  };
  const trouble = el('div', { role: 'alert' });
  const canExamine = !onlyTrouble && api.mayWrite && 'doctor' in examined;
  const at = examined.doctor?.checked_at;
  return el(
    'div',
    { class: 'notes' },
    isFine && !onlyTrouble && note('good', el('p', {}, 'Nothing is known against it.')),
    notes,
    at &&
      !onlyTrouble &&
      el(
        'p',
        { class: 'quiet small' },
        `Examined ${moment(at)}${examined.doctor.outdated ? ', before the last change' : ''}.`,
      ),
    canExamine && el('div', { class: 'buttons' }, button('Examine now', { action: examine })),
    trouble,
  );
}

function provider(health) {
  if (health?.status === 'misconfigured') {
    return note(
      'bad',
      el('strong', {}, 'The provider does not accept the client'),
      el(
        'p',
        {},
        `Since ${moment(health.since)}, with `,
        el('code', {}, health.error),
        ` (HTTP ${health.http_status}).`,
      ),
      el('p', {}, 'No connection is lost. Correct the client ID or secret, and all go on at once.'),
    );
  }
  if (health?.status === 'failing') {
    return note(
      'warn',
      el('strong', {}, 'Refreshes are failing for everybody'),
      el(
        'p',
        {},
        `The provider is left alone until ${clock(health.until)}, then asked again. Tokens that still work are served.`,
      ),
    );
  }
  return undefined;
}

function finding({ severity, what, why, what_to_do: todo }) {
  return note(
    KINDS[severity] ?? 'info',
    el('strong', {}, what),
    el('p', {}, why),
    el('p', {}, el('b', {}, 'What to do: '), todo),
  );
}

/** What of a page of connections has trouble. */
function troubles({ connections, next_cursor: cursor }) {
  const of = (status) => connections.filter((one) => one.status === status).length;
  return { all: connections.length, failing: of('degraded'), lost: of('reconnect_required'), isMore: Boolean(cursor) };
}

export async function health(context) {
  const { api, to } = context;
  const { connectors } = await api.get('/connectors');
  const add = el('a', { class: 'button primary', href: to('connectors', 'new') }, 'Add connector');
  const head = heading({
    trail: [['Settings'], ['Integrations']],
    title: 'Health',
    lead: 'What would keep people from connecting, or apps from getting tokens.',
  });
  if (connectors.length === 0) {
    const text = 'As soon as there is a connector, this page tells how it does.';
    return el(
      'div',
      { class: 'view' },
      head,
      empty('health', 'Nothing to watch yet', text, ...(api.mayWrite ? [add] : [])),
    );
  }
  const parts = [];
  for (let from = 0; from < connectors.length; from += 4) {
    const some = connectors.slice(from, from + 4).map((one) => part(context, one));
    parts.push(...(await Promise.all(some)));
  }
  parts.sort((a, b) => b.weight - a.weight);
  const bad = parts.filter((one) => one.weight > 0).length;
  const summary =
    bad === 0
      ? note('good', el('p', {}, 'All connectors work.'))
      : note('warn', el('p', {}, `${count(bad, 'connector needs', 'connectors need')} a look.`));
  return el(
    'div',
    { class: 'view' },
    head,
    summary,
    parts.map((one) => one.node),
  );
}

const WEIGHTS = { bad: 3, warn: 2 };

async function part(context, { id }) {
  const where = path('connectors', id);
  const [examined, page] = await Promise.all([context.api.get(where), context.api.get(`${where}/connections`)]);
  const [kind, text] = connectorState(examined);
  const { all, failing, lost, isMore } = troubles(page);
  const of = isMore ? `The first ${all} connections` : count(all, 'connection', 'connections');
  const trouble = [
    failing > 0 && `${failing} can’t be refreshed for now`,
    lost > 0 && `${lost} ${lost === 1 ? 'waits' : 'wait'} for somebody to connect again`,
  ].filter(Boolean);
  const how = trouble.length > 0 ? trouble.join(', ') : `${isMore || all > 1 ? 'all work' : 'it works'}`;
  const figures = el('p', { class: 'quiet' }, all === 0 ? 'Nobody is connected yet.' : `${of}: ${how}.`);
  const link = el('a', { href: context.to('connectors', id) }, examined.name);
  const node = section(
    link,
    { actions: [pill(kind, text)] },
    figures,
    checkup(context, examined, { onlyTrouble: true }),
  );
  return { node, weight: (WEIGHTS[kind] ?? 0) + (failing + lost > 0 ? 1 : 0) };
}
