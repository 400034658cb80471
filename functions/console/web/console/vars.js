// Values that a provider needs besides a client: what an admin sets for a connector, and what is left to whoever connects.
import { el } from '../shared/dom.js';
import { field } from '../shared/fields.js';

/** The values that an admin sets: those that differ from connector to connector. */
export const ownVars = (provider) =>
  Object.entries(provider.vars ?? {}).filter(([, { from }]) => from === 'app' || from === 'input');

/** The values that a connector leaves to whoever connects. */
export const openVars = (connector, provider) =>
  Object.entries(provider?.vars ?? {}).filter(
    ([name, { from }]) => from === 'input' && !Object.hasOwn(connector.connection_config, name),
  );

/** What a connector has of them, as facts: variables by their labels. */
export const setVars = (connector, provider) =>
  Object.entries(connector.connection_config).map(([name, value]) => [provider?.vars?.[name]?.label ?? name, value]);

/** A field for one of them. `left` says what becomes of one that is left empty and has no default. */
export function varField([name, known], { mayBeLeft, left }) {
  const hasDefault = known.default !== undefined;
  const isLeft = mayBeLeft || hasDefault;
  const empty = hasDefault ? `If you leave it empty: ${known.default}` : left;
  const hint = [known.description, isLeft && empty].filter(Boolean).join(' ');
  const choices = (known.choices ?? []).map((one) => el('option', { value: one }, one));
  const control =
    choices.length > 0
      ? el('select', {}, isLeft && el('option', { value: '' }, 'Not set'), choices)
      : el('input', { type: 'text', placeholder: known.example ?? known.default ?? '', autocomplete: 'off' });
  const made = field({ label: known.label ?? name, hint, pointer: `/connection_config/${name}`, control });
  return { ...made, name };
}

/** What was entered, by name. */
export const varValues = (fields) =>
  Object.fromEntries(fields.map((one) => [one.name, one.value()]).filter(([, value]) => value));
