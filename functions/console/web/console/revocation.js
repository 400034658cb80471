// How far the end of many connections has come.
import { el, note } from '../shared/dom.js';
import { path } from './api.js';
import { ask, button, facts, failure, heading, pill, section } from './parts.js';
import { actor, moment } from './words.js';

/** How long until it is looked again, while it goes on. */
const LOOK_EVERY_MS = 2_000;

/** How it stands, as `[kind, words]`. */
const STATES = { running: ['warn', 'Running'], finished: ['good', 'Finished'], stopped: ['', 'Stopped'] };
export const stateOf = ({ status }) => STATES[status];

const CRITERIA = {
  connector_id: 'Connector',
  app_id: 'App',
  issuer: 'Signed in by',
  sub: 'User ID',
  connected_after: 'Connected from',
  connected_before: 'Connected before',
};

/** Which connections are meant, as names and values. */
export function criteriaInWords(criteria, { connectors, apps }) {
  const names = new Map([...connectors, ...apps].map(({ id, name }) => [id, name]));
  const said = (name, value) => (name.startsWith('connected_') ? moment(value) : (names.get(value) ?? value));
  return Object.entries(CRITERIA)
    .filter(([name]) => criteria[name])
    .map(([name, what]) => [what, said(name, criteria[name])]);
}

export async function revocation(context) {
  const { api, parameters } = context;
  const where = path('revocations', parameters.id);
  const [first, { connectors }, { apps }, { keys }] = await Promise.all([
    api.get(where),
    api.get('/connectors'),
    api.get('/apps'),
    api.get('/keys'),
  ]);
  const state = el('span', {}, pill(...stateOf(first)));
  const figures = el('div', {}, report(first));
  const trouble = el('div', { role: 'alert' });
  const said = el('p', { class: 'hidden-text', role: 'status' });
  const keyName = (id) => keys.find((one) => one.key_id === id)?.name;
  const stop = el(
    'div',
    { class: 'buttons', hidden: first.status !== 'running' || !api.mayWrite },
    button('Stop it', { action: () => stopIt(api, where).then((isStopped) => isStopped && look()) }),
  );
  const node = el(
    'div',
    { class: 'view' },
    heading({
      trail: [['End connections', context.to('revocations')]],
      title: `Ending of ${moment(first.began_at)}`,
      state,
    }),
    section('How far it is', {}, trouble, figures, said, stop),
    section(
      'Which connections',
      {},
      el('div', { class: 'card panel' }, facts(criteriaInWords(first.criteria, { connectors, apps }))),
    ),
    section(
      'Who and when',
      {},
      el(
        'div',
        { class: 'card panel' },
        facts([
          ['Begun by', actor(first.begun_by, keyName)],
          ['Begun', moment(first.began_at)],
        ]),
      ),
    ),
  );
  const look = async () => {
    if (!node.isConnected) return;
    try {
      const now = await api.get(where);
      state.replaceChildren(pill(...stateOf(now)));
      figures.replaceChildren(report(now));
      trouble.replaceChildren();
      stop.hidden = now.status !== 'running' || !api.mayWrite;
      if (now.status === 'running') setTimeout(look, LOOK_EVERY_MS);
      else said.textContent = `${stateOf(now)[1]}: ${now.ended} ended.`;
    } catch (problem) {
      trouble.replaceChildren(failure(problem, look));
    }
  };
  if (first.status === 'running') setTimeout(look, LOOK_EVERY_MS);
  return node;
}

/** Whether it was stopped. */
function stopIt(api, where) {
  return ask({
    title: 'Stop ending connections?',
    body: [
      el('p', {}, 'What has ended stays ended: those people have to connect again. Everybody else stays connected.'),
    ],
    yes: 'Stop it',
    action: () => api.delete(where),
  });
}

function report(now) {
  const figure = (number) => number.toLocaleString('en');
  return el(
    'div',
    { class: 'card panel' },
    facts([
      ['Looked at', figure(now.looked_at)],
      ['Ended here', figure(now.ended)],
      ['Ended at the provider', figure(now.revoked)],
      ['Provider is asked again', figure(now.pending)],
      ['Provider has no way to', figure(now.unsupported)],
      ['Refused, or not readable', figure(now.failed)],
      ['Finished', now.finished_at ? moment(now.finished_at) : 'Not yet: this page looks again by itself'],
    ]),
    now.pending > 0 &&
      note('info', el('p', {}, 'What becomes of those where the provider is asked again is in the audit trail.')),
    now.failed > 0 &&
      note(
        'warn',
        el('p', {}, 'The grants that a provider refused to end may live on there. Each is in the audit trail.'),
      ),
  );
}
