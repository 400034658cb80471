// What apps may call through a connector: methods to be ticked, and paths, one per line.
import { el, freshId } from '../shared/dom.js';
import { field, lines } from '../shared/fields.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** A rule for paths as a line: `[METHOD ][host]/prefix`. */
const written = ({ method, host = '', prefix }) => `${method ? `${method} ` : ''}${host}${prefix}`;

function read(line) {
  const [, method, host, prefix] = /^(?:([A-Za-z]+)\s+)?([^/\s]*)(.*)$/.exec(line);
  return { prefix, ...(method && { method: method.toUpperCase() }), ...(host && { host }) };
}

/** The rules in words, shortly; nothing if there are none. */
export function rulesInWords(rules) {
  if (!rules) return undefined;
  const methods = rules.methods && (rules.methods.join(', ') || 'No method');
  const paths = rules.paths?.map((one) => el('code', { class: 'block' }, written(one)));
  return [methods && el('p', {}, methods), paths && (paths.length > 0 ? paths : el('p', {}, 'No path'))];
}

/**
 * Fields for the rules, folded up as long as there are none. `changed` answers the rules if they are others than before, an
 * empty object if there are none any more.
 */
export function callRulesFields(rules) {
  const before = { methods: rules?.methods, paths: rules?.paths };
  const boxes = METHODS.map((name) => {
    const control = el('input', { type: 'checkbox', value: name, checked: before.methods?.includes(name) ?? true });
    return { name, control, node: el('label', { class: 'choice' }, control, el('span', {}, name)) };
  });
  const paths = field({
    label: 'Paths',
    hint: 'One per line: what a path begins with, as /events. GET /events allows one method only, upload.example/files another host. Leave it empty to allow every path.',
    pointer: '/call_rules/paths',
    control: el('textarea', {
      class: 'mono',
      rows: '3',
      spellcheck: 'false',
      value: (before.paths ?? []).map(written).join('\n'),
    }),
  });
  const error = el('p', { class: 'error', hidden: true, id: freshId('rules') });
  const node = el(
    'details',
    { class: 'more', open: Boolean(rules) },
    el('summary', {}, 'What apps may call'),
    el(
      'div',
      { class: 'rules' },
      el(
        'p',
        { class: 'quiet small' },
        'Holds for calls that this service makes for an app. An app that is given a token itself is bound by the scopes alone.',
      ),
      el(
        'fieldset',
        { class: 'field', 'aria-describedby': error.id },
        el('legend', {}, 'Methods'),
        el(
          'div',
          { class: 'methods' },
          boxes.map((one) => one.node),
        ),
        error,
      ),
      paths.node,
    ),
  );
  /** What is wrong must be seen. */
  const unfolding = (show) => (text) => {
    if (text) node.open = true;
    show(text);
  };
  const methods = {
    pointer: '/call_rules/methods',
    control: boxes[0].control,
    show: unfolding((text) => {
      error.textContent = text;
      error.hidden = !text;
    }),
  };
  const now = () => {
    const ticked = boxes.filter(({ control }) => control.checked).map(({ name }) => name);
    const entered = lines(paths.control.value).map(read);
    return {
      ...(ticked.length < METHODS.length && { methods: ticked }),
      ...(entered.length > 0 && { paths: entered }),
    };
  };
  const first = JSON.stringify(now());
  const changed = () => (JSON.stringify(now()) === first ? undefined : now());
  return { node, fields: [methods, { ...paths, show: unfolding(paths.show) }], changed };
}
