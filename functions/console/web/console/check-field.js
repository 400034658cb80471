// A box to be ticked, with a sentence on what it means, as a field of a form.
import { el } from '../shared/dom.js';

/** `value` answers whether it is ticked, `changed` the same if it was otherwise before. */
export function checkField({ label, hint, pointer, before }) {
  const control = el('input', { type: 'checkbox', checked: before });
  const text = el('span', {}, label, el('span', { class: 'quiet small block' }, hint));
  const error = el('p', { class: 'error', hidden: true });
  const show = (said) => {
    error.textContent = said;
    error.hidden = !said;
  };
  return {
    node: el('div', { class: 'field' }, el('label', { class: 'choice' }, control, text), error),
    control,
    pointer,
    show,
    value: () => control.checked,
    changed: () => (control.checked === before ? undefined : control.checked),
  };
}
