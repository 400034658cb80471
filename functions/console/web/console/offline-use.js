// Whether apps may have a user's token while that user is away.
import { el } from '../shared/dom.js';

/** A switch. `changed` answers what it says if that is something else than before. */
export function offlineUseField(before = true) {
  const control = el('input', { type: 'checkbox', checked: before });
  const text = el(
    'span',
    {},
    'Apps may use it while the user is away',
    el(
      'span',
      { class: 'quiet small block' },
      'For work at night, and for what arrives when nobody is there. An app’s key needs the permission for it, too. Without it, each request must show the user’s own session.',
    ),
  );
  const error = el('p', { class: 'error', hidden: true });
  const show = (said) => {
    error.textContent = said;
    error.hidden = !said;
  };
  return {
    node: el('div', { class: 'field' }, el('label', { class: 'choice' }, control, text), error),
    control,
    pointer: '/offline_use',
    show,
    value: () => control.checked,
    changed: () => (control.checked === before ? undefined : control.checked),
  };
}
