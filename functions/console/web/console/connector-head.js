// The beginning of every view of one connector.
import { el } from '../shared/dom.js';
import { heading, pill } from './parts.js';
import { connectorState } from './words.js';

/** The head that all views of one connector have. */
export function head({ to, parameters }, examined, current, actions = []) {
  const [kind, text] = connectorState(examined);
  const tabs = [
    ['', 'Overview'],
    ...(examined.kind === 'shared' ? [] : [['people', 'People']]),
    ['import', 'Import'],
    ['export', 'Export'],
  ];
  return el(
    'div',
    {},
    heading({
      trail: [['Connectors', to('connectors')]],
      title: examined.name,
      state: pill(kind, text),
      actions,
    }),
    el(
      'nav',
      { class: 'tabs', 'aria-label': 'Of this connector' },
      tabs.map(([tab, label]) => {
        const href = tab ? to('connectors', parameters.id, tab) : to('connectors', parameters.id);
        return el('a', { href, 'aria-current': tab === current ? 'page' : undefined }, label);
      }),
    ),
  );
}
