// The workspace: its id, its plan, how much of that is used, and where assistants reach it.
import { el, note } from '../shared/dom.js';
import { copyable, facts, heading, section } from './parts.js';
import { day } from './words.js';

export async function workspace({ api, base, to }) {
  const [{ workspace_id: id, name, created_at: since, plan, use }, hasIssuer] = await Promise.all([
    api.get(''),
    signsIn(api),
  ]);
  return el(
    'div',
    { class: 'view' },
    heading({ trail: [['Settings']], title: 'Workspace', lead: `${name}, since ${day(since)}.` }),
    section('Plan', { lead: planInWords(plan) }, full(plan, use), figures(plan?.limits ?? {}, use)),
    plan && section('What belongs to it', {}, el('div', { class: 'card panel' }, facts(rights(plan.limits)))),
    section('Workspace ID', { lead: 'Whoever signs in or calls the API names it.' }, copyable(id, 'the workspace ID')),
    section(
      'Address for assistants',
      {
        lead: 'Give it to Claude, Cursor, VS Code or any other client of the Model Context Protocol. It looks for connectors and proposes new ones; a person confirms here, and enters the secret here.',
      },
      !hasIssuer &&
        note(
          'info',
          el(
            'p',
            {},
            'Nobody gets in there yet: assistants sign their people in at the workspace’s own issuer, which is set under ',
            el('a', { href: to('sign-in') }, 'Sign-in'),
            '.',
          ),
        ),
      copyable(`${base}/mcp/${encodeURIComponent(id)}`, 'the address for assistants'),
    ),
  );
}

/** Whether the workspace has an issuer of its own. */
async function signsIn(api) {
  try {
    await api.get('/identity');
    return true;
  } catch (problem) {
    if (problem.status === 404) return false;
    throw problem;
  }
}

const planInWords = (plan) =>
  plan
    ? `This workspace has the plan ${plan.name}. Whoever runs this deployment can give it another one.`
    : 'This workspace has no plan that limits it.';

const KINDS = [
  ['connectors', 'Connectors'],
  ['connections', 'Connections'],
];

const isFull = (limits, use, name) => typeof limits[name] === 'number' && use[name] >= limits[name];

/** What nobody can add any more, and what that means. */
function full(plan, use) {
  const said = {
    connectors: 'There is no room for another connector. Those that there are go on working; delete one to make room.',
    connections:
      'There is no room for another connection. Nobody loses one, and people can connect again; whoever connects for the first time is told that the plan has no room, before they are sent to a provider. Disconnecting makes room.',
  };
  const notes = KINDS.filter(([name]) => plan && isFull(plan.limits, use, name));
  return notes.map(([name]) => note('warn', el('p', {}, said[name])));
}

/** What is used, of how much: in a table, with bars for those who see them. */
function figures(limits, use) {
  const head = (name) => el('th', { scope: 'col' }, el('span', { class: 'hidden-text' }, name));
  return el(
    'div',
    { class: 'card panel' },
    el(
      'table',
      { class: 'bars' },
      el('caption', { class: 'hidden-text' }, 'How much of the plan is used'),
      el('thead', {}, el('tr', {}, ['What', 'Used'].map(head))),
      el(
        'tbody',
        {},
        KINDS.map(([name, label]) => row(label, use[name], limits[name], isFull(limits, use, name))),
      ),
    ),
  );
}

function row(label, used, most, isAtEnd) {
  const hasLimit = typeof most === 'number';
  const bar = el('span', { class: isAtEnd ? 'bar bad' : 'bar', 'aria-hidden': 'true' });
  bar.style.inlineSize = hasLimit ? `${Math.min(1, used / Math.max(most, 1)) * 100}%` : '0';
  const figure = `${used.toLocaleString('en')}${hasLimit ? ` of ${most.toLocaleString('en')}` : ''}`;
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, label),
    el(
      'td',
      {},
      el('div', {}, hasLimit && el('span', { class: 'bar-way' }, bar), el('span', { class: 'number wide' }, figure)),
    ),
  );
}

function rights({ custom_providers: custom, shared }) {
  const said = (has) => (has ? 'Yes' : 'Not in this plan');
  return [
    ['Shared connectors', said(shared)],
    ['Custom providers', said(custom)],
  ];
}
