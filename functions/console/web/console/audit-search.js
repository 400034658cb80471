// Looking something up in the audit trail: when, who, what, to what.
import { el, freshId } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { inOrder, momentField } from './moments.js';
import { button, form } from './parts.js';
import { ACTIONS, actor, deed } from './words.js';

/** Actors that are nobody's name. */
const ACTORS = ['system', 'stranger'];

/** A line of text with suggestions: values, and what they are called. */
function suggesting({ label, hint, pointer }) {
  const list = el('datalist', { id: freshId('known') });
  const input = {
    type: 'text',
    class: 'mono',
    maxlength: '1000',
    autocomplete: 'off',
    spellcheck: 'false',
    list: list.id,
  };
  const made = field({ label, hint, pointer, control: el('input', input), after: list });
  const known = new Map();
  const learn = (value, name) => {
    if (known.has(value)) return;
    known.set(value, name);
    list.append(el('option', { value, label: name }));
  };
  /** What was entered; a name stands for what it belongs to if that is one thing only. */
  const value = () => {
    const text = made.value();
    const named = [...known].filter(([, name]) => name === text);
    return (named.length === 1 && !known.has(text) ? named[0][0] : text) || undefined;
  };
  return { ...made, value, learn };
}

function fieldsOf() {
  return {
    since: momentField({ label: 'Since', hint: 'In your own time.', pointer: '?since' }),
    until: momentField({ label: 'Until', hint: 'In your own time.', pointer: '?until', isEnd: true }),
    actor: suggesting({
      label: 'Who',
      hint: 'A name that is suggested, or key:{id}, person:{sub}, user:{app}:{sub}.',
      pointer: '?actor',
    }),
    action: suggesting({
      label: 'What',
      hint: 'An action; connector. with its dot means all that begin so.',
      pointer: '?action',
    }),
    target: suggesting({ label: 'To what', hint: 'A name, or the ID of anything.', pointer: '?target' }),
    connector: suggesting({
      label: 'Connector',
      hint: 'Also what was done to its connections. One that is deleted goes by its ID.',
      pointer: '?connector',
    }),
  };
}

/** What is there now is suggested. */
function suggest(fields, { connectors, apps, keys }) {
  for (const one of ACTORS) fields.actor.learn(one, actor(one));
  for (const one of ACTIONS) fields.action.learn(one, one.endsWith('.') ? undefined : deed(one));
  for (const { id, name } of keys) fields.actor.learn(`key:${id}`, name);
  for (const { id, name } of connectors) fields.connector.learn(id, name);
  for (const { id, name } of [...connectors, ...apps, ...keys]) fields.target.learn(id, name);
}

/** The form. `seek` is called with what was entered; `learn` suggests those who did something. */
export function searchForm(there, nameOf, seek) {
  const fields = fieldsOf();
  suggest(fields, there);
  const learn = (events) => {
    for (const one of events) fields.actor.learn(one.actor, actor(one.actor, nameOf, one.details.person));
  };
  const send = async () => {
    const entered = Object.entries(fields).map(([name, one]) => [name, one.value()]);
    const sought = Object.fromEntries(entered.filter(([, value]) => value));
    inOrder(sought.since, sought.until, '?until');
    learn(await seek(sought));
  };
  const all = Object.values(fields);
  const clear = button('Clear', {
    action: () => {
      body.reset();
      body.requestSubmit();
    },
  });
  const body = form(all, {
    children: el(
      'div',
      { class: 'columns' },
      all.map((one) => one.node),
    ),
    send,
    yes: 'Search',
    cancel: clear,
  });
  return { node: el('details', { class: 'more' }, el('summary', {}, 'Search'), body), learn };
}
