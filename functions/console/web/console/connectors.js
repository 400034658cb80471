// Every connector of the workspace.
import { el, icon } from '../shared/dom.js';
import { path } from './api.js';
import { empty, heading, initial, pill, section } from './parts.js';
import { openProposals } from './proposals.js';
import { connectorState, people } from './words.js';

/** How many connectors are asked about at a time. */
const AT_A_TIME = 4;

export async function connectors({ api, to }) {
  const [{ connectors: all }, providers, { proposals }] = await Promise.all([
    api.get('/connectors'),
    api.providers(),
    api.get('/proposals'),
  ]);
  const add = el('a', { class: 'button primary', href: to('connectors', 'new') }, icon('plus'), 'Add connector');
  const rows = all.map((one) => row(one, providers, to));
  fill(api, rows);
  const kinds = { per_user: [], shared: [] };
  for (const one of rows) (kinds[one.connector.kind] ?? kinds.per_user).push(one.node);
  return el(
    'div',
    { class: 'view' },
    heading({
      trail: [['Settings'], ['Integrations']],
      title: 'Connectors',
      actions: api.mayWrite && all.length > 0 ? [add] : [],
    }),
    openProposals(proposals, all, to),
    section(
      'Connectors for app users',
      {
        lead: 'People who use your apps connect accounts of their own through these. Every app of the workspace has them.',
      },
      kinds.per_user.length > 0
        ? el('ul', { class: 'rows card' }, kinds.per_user)
        : kinds.shared.length > 0
          ? el('p', { class: 'quiet' }, 'There are none.')
          : nothing(api, add),
    ),
    kinds.shared.length > 0 &&
      section(
        'Shared connectors',
        { lead: 'An admin connects one account, once, and every app of the workspace uses it, for all its users.' },
        el('ul', { class: 'rows card' }, kinds.shared),
      ),
  );
}

function nothing(api, add) {
  const text =
    'Choose a provider, register one address there, and paste the client ID and secret that you get. Then people can connect.';
  return empty('plug', 'Add your first connector', text, ...(api.mayWrite ? [add] : []));
}

function row(connector, providers, to) {
  const provider = providers.get(connector.integration_type)?.name ?? connector.integration_type;
  const state = el('span', { class: 'row-state' });
  const used = el('span', { class: 'quiet small row-people' }, '\u00a0');
  const node = el(
    'li',
    { class: 'row' },
    initial(provider, connector.integration_type),
    el(
      'div',
      { class: 'row-text' },
      el('h3', {}, el('a', { class: 'whole', href: to('connectors', connector.id) }, connector.name)),
      el('p', { class: 'quiet small' }, provider),
    ),
    used,
    state,
    icon('next'),
  );
  return { connector, node, state, used };
}

const accountOf = ({ account } = {}) => account?.label || account?.email || account?.id || '';

/** Says of each how it does and how many people use it, when that is known. */
function fill(api, rows) {
  const left = [...rows];
  const work = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const where = path('connectors', one.connector.id);
      const [examined, page] = await Promise.allSettled([api.get(where), api.get(`${where}/connections`)]);
      const [kind, text] = examined.value ? connectorState(examined.value) : ['', 'Unknown'];
      one.state.replaceChildren(pill(kind, text));
      if (one.connector.kind === 'shared') one.used.textContent = accountOf(examined.value?.connection ?? {});
      else if (page.value)
        one.used.textContent = people(page.value.connections.length, Boolean(page.value.next_cursor));
    }
  };
  return Promise.all(Array.from({ length: AT_A_TIME }, work));
}
