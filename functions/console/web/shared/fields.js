// Fields of forms: a label, what to write, and beside it what is wrong with it.
import { el, freshId, icon, prose } from './dom.js';

/**
 * A field. `pointer` is the place of its value in the request (RFC 6901), by which a refusal names it. `control` is an
 * input, a text area or a choice; without one it is a line of text.
 */
export function field({ label, hint, pointer, control = el('input', { type: 'text' }), after }) {
  const id = freshId('field');
  control.id = id;
  const described = [];
  const part = (name, ...children) => {
    const partId = `${id}-${name}`;
    described.push(partId);
    return el('p', { id: partId, class: name }, ...children);
  };
  const hintNode = hint && part('hint', hint);
  const error = part('error');
  error.hidden = true;
  control.setAttribute('aria-describedby', described.join(' '));
  const node = el('div', { class: 'field' }, el('label', { for: id }, label), hintNode, control, error, after);
  const show = (text) => {
    error.replaceChildren(...(text ? [icon('alert'), el('span', {}, prose(text))] : []));
    error.hidden = !text;
    if (text) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
  };
  control.addEventListener('input', () => show(''));
  return { node, control, pointer, show, value: () => control.value.trim() };
}

/** The lines of a text, each once. */
export function lines(text) {
  return [...new Set(text.split('\n').map((line) => line.trim()))].filter(Boolean);
}

/**
 * Shows a refusal beside the fields that it names, and focuses the first of them. What names none of them is answered, to
 * be shown elsewhere.
 */
export function showErrors(fields, errors) {
  const elsewhere = [];
  let first;
  for (const { pointer, detail } of errors) {
    const found = fields.find((one) => pointer === one.pointer || pointer.startsWith(`${one.pointer}/`));
    if (!found) {
      elsewhere.push(`${pointer} ${detail}`);
      continue;
    }
    found.show(sentence(detail));
    first ??= found;
  }
  first?.control.focus();
  return elsewhere;
}

/** Text with a capital at the beginning and a point at the end. */
export function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
