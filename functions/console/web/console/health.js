// How connectors do: what their providers answered, and what was found wrong with them.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { dueTimes } from './due-times.js';
import { button, empty, failure, heading, pill, section } from './parts.js';
import { clock, connectorState, count, moment } from './words.js';

const KINDS = { error: 'bad', warning: 'warn', info: 'info' };

/** What is known of how one connector does; nothing, where `onlyTrouble` is asked for and there is none. */
export function checkup({ api, again }, examined, { onlyTrouble = false } = {}) {
  const isShown = ({ severity }) => !onlyTrouble || severity !== 'info';
  const findings = (examined.doctor?.findings ?? []).filter(isShown);
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

export async function health(context) {
  const { api, to } = context;
  const { connectors, due, checked_at: at } = await api.get('/health');
  const head = heading({
    trail: [['Settings'], ['Integrations']],
    title: 'Health',
    lead: 'What would keep people from connecting, or apps from getting tokens.',
  });
  if (connectors.length === 0) {
    const text = 'As soon as there is a connector, this page tells how it does.';
    const add = el('a', { class: 'button primary', href: to('connectors', 'new') }, 'Add connector');
    const nothing = empty('health', 'Nothing to watch yet', text, ...(api.mayWrite ? [add] : []));
    return el('div', { class: 'view' }, head, nothing);
  }
  const sorted = connectors.toSorted((a, b) => weight(b) - weight(a));
  const bad = sorted.filter((one) => weight(one) > 0);
  const examined = await inTurn(bad.filter(hasAdvice), (one) => api.get(path('connectors', one.connector_id)));
  const known = new Map(examined.map((one) => [one.id, one]));
  const summary =
    bad.length === 0
      ? note('good', el('p', {}, 'All connectors work.'))
      : note('warn', el('p', {}, `${count(bad.length, 'connector needs', 'connectors need')} a look.`));
  return el(
    'div',
    { class: 'view' },
    head,
    summary,
    bad.map((one) => part(context, one, known.get(one.connector_id))),
    dueTimes(due, at),
    bad.length < sorted.length && others(context, sorted.slice(bad.length)),
  );
}

/** How many answers are waited for at once. */
const AT_ONCE = 4;

async function inTurn(items, ask) {
  const answers = [];
  for (let from = 0; from < items.length; from += AT_ONCE)
    answers.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(ask))));
  return answers;
}

/** Whether there is something to be done at the connector itself. */
const hasAdvice = ({ failing, findings }) => Boolean(failing) || findings.errors + findings.warnings > 0;

/** The more there is to do about a connector, the more. */
function weight({ failing, findings, connections }) {
  if (failing?.status === 'misconfigured' || findings.errors > 0) return 4;
  if (failing) return 3;
  if (findings.warnings > 0) return 2;
  return connections.degraded + connections.reconnect_required > 0 ? 1 : 0;
}

/** How its connections stand, in a sentence. */
function figures({ looked_at: all, complete, degraded, reconnect_required: lost }) {
  if (all === 0) return complete ? 'Nobody is connected yet.' : 'Its connections were not looked at.';
  const of = complete
    ? count(all, 'connection', 'connections')
    : `A sample of ${count(all, 'connection', 'connections')}`;
  const trouble = [
    degraded > 0 && `${degraded} can’t be refreshed for now`,
    lost > 0 && `${lost} ${lost === 1 ? 'waits' : 'wait'} for somebody to connect again`,
  ].filter(Boolean);
  return `${of}: ${trouble.join(', ') || (all > 1 ? 'all work' : 'it works')}.`;
}

/** A connector that needs a look. `examined` is all that is known of it, where there is something to do at it. */
function part(context, seen, examined) {
  const [kind, text] = examined ? connectorState(examined) : ['warn', 'People are affected'];
  const link = el('a', { href: context.to('connectors', seen.connector_id) }, seen.name);
  return section(
    link,
    { actions: [pill(kind, text)] },
    el('p', { class: 'quiet' }, figures(seen.connections)),
    examined && checkup(context, examined, { onlyTrouble: true }),
  );
}

function others({ to }, connectors) {
  const row = (one) =>
    el(
      'li',
      { class: 'row' },
      el(
        'div',
        { class: 'row-text' },
        el('a', { class: 'whole', href: to('connectors', one.connector_id) }, one.name),
        el('span', { class: 'quiet small' }, figures(one.connections)),
      ),
      pill('good', 'Working'),
    );
  return section('Nothing to do', {}, el('ul', { class: 'rows card' }, connectors.map(row)));
}
