// Moments: written in the time of whoever reads the page, sent in universal time.
import { el } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { Problem } from './api.js';

/** How a field writes a moment: in the browser's time zone, to the second. */
function local(text) {
  const at = new Date(text);
  at.setMinutes(at.getMinutes() - at.getTimezoneOffset());
  return at.toISOString().slice(0, 19);
}

/**
 * A field for a moment, `at` first. `value` answers it as the API takes it (RFC 3339), nothing if there is none; it throws
 * if only a part was entered. `isEnd` means the end of the second: what happened within it is before.
 */
export function momentField({ label, hint, pointer, at, isEnd = false }) {
  const control = el('input', {
    type: 'datetime-local',
    step: '1',
    max: '9999-12-31T23:59:59',
    value: at ? local(at) : undefined,
  });
  const made = field({ label, hint, pointer, control });
  const value = () => {
    if (control.validity.badInput)
      throw new Problem(422, { errors: [{ pointer, detail: 'enter a day and a time, or nothing' }] });
    return control.value ? new Date(Date.parse(control.value) + (isEnd ? 999 : 0)).toISOString() : undefined;
  };
  return { ...made, value };
}

/** Refuses an end that is before the beginning, beside the end's field. */
export function inOrder(since, until, pointer) {
  if (since && until && since > until)
    throw new Problem(422, { errors: [{ pointer, detail: 'this is before it begins' }] });
}
