// Parts that several views have: headings, lists that load on, texts to copy, questions before something is done.
import { el, freshId, icon, note, prose } from '../shared/dom.js';
import { field, showErrors } from '../shared/fields.js';

const COPIED_FOR_MS = 2000;

let announcer;

/** Where short messages appear, and are read out. */
export function announcements() {
  announcer = el('div', { class: 'toasts', role: 'status' });
  return announcer;
}

/** Says something that is good to know and needs no answer. */
export function announce(text) {
  const toast = el('p', { class: 'toast' }, icon('check'), el('span', {}, text));
  announcer.replaceChildren(toast);
  setTimeout(() => toast.remove(), 6000);
}

/** The beginning of a view: where one is, what it is called, what can be done. */
export function heading({ trail = [], title, state, lead, actions = [] }) {
  const steps = trail.map(([text, href]) => el('li', {}, href ? el('a', { href }, text) : text));
  return el(
    'header',
    { class: 'heading' },
    steps.length > 0 && el('nav', { 'aria-label': 'Where you are' }, el('ol', { class: 'trail' }, steps)),
    el(
      'div',
      { class: 'title-row' },
      el('h1', { tabindex: '-1' }, title),
      state,
      el('div', { class: 'buttons' }, actions),
    ),
    lead && el('p', { class: 'quiet prose' }, lead),
  );
}

export const pill = (kind, text) => el('span', { class: `pill ${kind}` }, text);

/** The first letter of a name, on one of eight grounds. */
export function initial(name, seed = name) {
  const ground = [...seed].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 8, 0);
  const letter = [...name.trim()].find((one) => /[\p{L}\p{N}]/u.test(one)) ?? '·';
  return el('span', { class: `initial ground-${ground}`, 'aria-hidden': 'true' }, letter.toUpperCase());
}

/** A text that has to be taken elsewhere exactly as it is. */
export function copyable(text, what) {
  const says = el('span', {}, 'Copy');
  const button = el('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${what}` }, icon('copy'), says);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      says.textContent = 'Copied';
      announce(`Copied ${what}.`);
    } catch {
      getSelection().selectAllChildren(code);
      announce(`Press Ctrl+C to copy ${what}: this browser does not let a page do it.`);
    }
    setTimeout(() => (says.textContent = 'Copy'), COPIED_FOR_MS);
  });
  const code = el('code', {}, text);
  return el('div', { class: 'copyable' }, code, button);
}

/** A list of names and values; what has no value is left out. */
export function facts(entries) {
  const rows = entries.filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '');
  return el(
    'dl',
    { class: 'facts' },
    rows.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))),
  );
}

/** A part of a view with a heading of its own. */
export function section(title, { lead, actions, id = freshId('section') } = {}, ...children) {
  return el(
    'section',
    { 'aria-labelledby': id },
    el('div', { class: 'title-row' }, el('h2', { id }, title), actions && el('div', { class: 'buttons' }, actions)),
    lead && el('p', { class: 'quiet prose' }, lead),
    ...children,
  );
}

/** Where there is nothing yet: what it is for, and what to do first. */
export function empty(shape, title, text, ...actions) {
  return el(
    'div',
    { class: 'empty card' },
    icon(shape),
    el('p', { class: 'empty-title' }, title),
    el('p', { class: 'quiet prose' }, text),
    actions.length > 0 && el('div', { class: 'buttons' }, actions),
  );
}

/** The place of something that is on its way. */
export function skeleton(rows = 4) {
  const bars = Array.from({ length: rows }, () => el('span'));
  return el('div', { class: 'skeleton', role: 'status' }, el('span', { class: 'hidden-text' }, 'Loading …'), ...bars);
}

/** What became of a request, as a headline, where there is more to say than that it did not work. */
const HEADLINES = {
  blocked_by_policy: 'It is switched off under Policies.',
  plan_required: 'Your plan does not have this.',
};

/** What went wrong, with a way to try again. */
export function failure(problem, again) {
  // What a plan does not have is no fault: there is nothing to look up.
  const id = problem.code !== 'plan_required' && problem.requestId;
  const isGone = problem.status === 404;
  return note(
    'bad',
    el('strong', {}, isGone ? 'There is nothing here.' : (HEADLINES[problem.code] ?? 'This did not work.')),
    el('p', {}, isGone ? 'It was deleted, or belongs to another workspace.' : prose(problem.message)),
    id && el('p', { class: 'small' }, 'Request ', el('code', {}, id)),
    again && el('div', { class: 'buttons' }, el('button', { type: 'button', onclick: again }, 'Try again')),
  );
}

/** A button that shows that it is at work, and does one thing at a time. `action` is given the event. */
export function button(text, { kind = '', shape, label, action, type = 'button' } = {}) {
  const node = el('button', { type, class: kind, 'aria-label': label }, shape && icon(shape), el('span', {}, text));
  if (action) node.addEventListener('click', (event) => busy(node, () => action(event)));
  return node;
}

/** Runs `action` unless it is running already. */
export async function busy(node, action) {
  if (node.getAttribute('aria-busy') === 'true') return;
  node.setAttribute('aria-busy', 'true');
  try {
    await action();
  } finally {
    node.removeAttribute('aria-busy');
  }
}

/**
 * Asks before something is done. `action` does it; what it throws is shown within. Answers what it answered, or
 * `undefined` if nothing was done. The focus goes back to where it was. `typed` must be written before, where given, and
 * is called what `typedIs` says; there is no way back if `no` is `false`. A refusal is shown beside those of `fields` that it names.
 */
export function ask({
  title,
  body = [],
  yes,
  no = 'Cancel',
  kind = 'primary',
  typed,
  typedIs = 'name',
  fields,
  action,
}) {
  return new Promise((done) => {
    let outcome;
    let isOver = false;
    const id = freshId('dialog');
    const trouble = el('div', { role: 'alert' });
    const confirmation = typed && field({ label: ['Type ', el('strong', {}, typed), ' to confirm'], pointer: '' });
    if (confirmation) confirmation.control.autocomplete = 'off';
    const cancel = no && el('button', { type: 'button', onclick: () => end() }, no);
    const submit = el('button', { type: 'submit', class: kind }, yes);
    const form = el(
      'form',
      { novalidate: true },
      el('h2', { id }, title),
      body,
      confirmation?.node,
      trouble,
      el('div', { class: 'buttons end' }, cancel, submit),
    );
    const dialog = el('dialog', { 'aria-labelledby': id }, form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (typed && confirmation.value() !== typed.trim()) {
        confirmation.show(`This is not the ${typedIs}. Nothing was changed.`);
        confirmation.control.focus();
        return;
      }
      busy(submit, async () => {
        try {
          outcome = (await action?.()) ?? true;
          end();
        } catch (problem) {
          trouble.replaceChildren(...explain(fields ?? [], problem));
        }
      });
    });
    const opener = document.activeElement;
    // What was shown is gone at once: it may have been a key.
    const end = () => {
      if (isOver) return;
      isOver = true;
      dialog.close();
      dialog.remove();
      if (opener?.isConnected) opener.focus();
      done(outcome);
    };
    dialog.addEventListener('close', end);
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      if (no) end();
    });
    announcer.replaceChildren();
    document.body.append(dialog);
    dialog.showModal();
    (confirmation?.control ?? dialog.querySelector('input, textarea') ?? (cancel || submit)).focus();
  });
}

/**
 * Sends a form: `send` may throw. A refusal is shown beside the fields that it names, anything else above the buttons. `also`
 * has the field that a refusal without fields is about, by its code.
 */
export function form(fields, { children, send, yes, kind = 'primary', cancel, also = {}, inCard = true }) {
  const trouble = el('div', { role: 'alert' });
  const submit = el('button', { type: 'submit', class: kind }, yes);
  const node = el(
    'form',
    { class: inCard ? 'form card panel' : 'form', novalidate: true, autocomplete: 'off' },
    children,
    trouble,
    el('div', { class: 'buttons' }, submit, cancel),
  );
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    for (const one of fields) one.show('');
    trouble.replaceChildren();
    busy(submit, async () => {
      try {
        await send();
      } catch (problem) {
        trouble.replaceChildren(...explain(fields, problem, also));
      }
    });
  });
  return node;
}

function explain(fields, problem, also = {}) {
  const pointer = also[problem.code];
  const errors = pointer ? [{ pointer, detail: problem.message }] : problem.errors;
  if (!errors?.length) return [failure(problem)];
  const elsewhere = showErrors(fields, errors);
  return elsewhere.length ? [note('bad', ...elsewhere.map((text) => el('p', {}, prose(text))))] : [];
}
