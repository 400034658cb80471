// Scopes: one per line, with those that are worth suggesting beside.
import { el, freshId, icon } from '../shared/dom.js';
import { field, lines } from '../shared/fields.js';

/** A field for scopes. `suggested` are `{scope, description}` of the provider. */
export function scopesField(scopes, suggested = []) {
  const text = field({
    label: 'Scopes',
    hint: 'One per line: what people are asked to allow. Ask for the least that your apps need.',
    pointer: '/scopes',
    control: el('textarea', { class: 'mono', rows: '4', spellcheck: 'false', value: scopes.join('\n') }),
    after: suggested.length > 0 && el('div', { class: 'suggestions' }),
  });
  const area = text.control;
  const chips = suggested.map(({ scope, description }) => chip(scope, description, area));
  const update = () => chips.forEach((one) => one.update());
  area.addEventListener('input', update);
  if (chips.length > 0) {
    const id = freshId('suggested');
    const list = el(
      'ul',
      { class: 'chips', 'aria-labelledby': id },
      chips.map((one) => el('li', {}, one.node)),
    );
    text.node.querySelector('.suggestions').append(el('p', { id, class: 'small quiet' }, 'Often used'), list);
  }
  update();
  return { ...text, value: () => lines(area.value) };
}

function chip(scope, description, area) {
  const mark = el('span', { class: 'chip-mark' });
  const node = el(
    'button',
    { type: 'button', class: 'chip' },
    mark,
    el('span', {}, el('span', { class: 'chip-text' }, description), el('code', {}, scope)),
  );
  node.addEventListener('click', () => {
    const now = lines(area.value);
    const next = now.includes(scope) ? now.filter((one) => one !== scope) : [...now, scope];
    area.value = next.join('\n');
    area.dispatchEvent(new Event('input'));
  });
  const update = () => {
    const isIn = lines(area.value).includes(scope);
    node.setAttribute('aria-pressed', String(isIn));
    mark.replaceChildren(icon(isIn ? 'check' : 'plus'));
  };
  return { node, update };
}

/** Scopes with what they let an app do, where the provider's data says it. */
export function scopeList(scopes, provider) {
  if (scopes.length === 0) return 'The provider’s own default';
  const known = new Map((provider?.suggested_scopes ?? []).map((one) => [one.scope, one.description]));
  const entry = (scope) =>
    el('li', {}, known.has(scope) && el('span', {}, known.get(scope)), ' ', el('code', { class: 'quiet' }, scope));
  return el('ul', { class: 'scopes' }, scopes.map(entry));
}
