// Where the keys of an issuer come from: found by discovery, at an address, or registered here.
import { el } from '../shared/dom.js';
import { field } from '../shared/fields.js';
import { Problem } from './api.js';

/**
 * The fields, and `value`, what is sent of them. Both empty means discovery. Keys belong to their issuer: those that nobody
 * touched go with it when another one is typed in.
 */
export function issuerKeys(known, issuer) {
  const registered = known?.jwks ? JSON.stringify(known.jwks, undefined, 2) : '';
  const common = { class: 'mono', spellcheck: 'false', autocomplete: 'off' };
  const uri = field({
    label: 'Address of its keys',
    hint: 'Leave it empty to find them by OpenID discovery.',
    pointer: '/jwks_uri',
    control: el('input', { type: 'text', ...common, value: known?.jwks_uri ?? '' }),
  });
  const set = field({
    label: 'Or the keys themselves',
    hint: 'A JWK Set with the public keys, where the issuer has no address for them.',
    pointer: '/jwks',
    control: el('textarea', { rows: '3', ...common, value: registered, placeholder: '{"keys": [ … ]}' }),
  });
  const before = [uri, set].map((one) => [one, one.value()]);
  issuer.control.addEventListener('change', () => {
    if (!known || issuer.value() === known.issuer) return;
    for (const [one, value] of before) if (one.value() === value) one.control.value = '';
  });
  return {
    fields: [uri, set],
    value: () => ({ jwks_uri: uri.value() || undefined, jwks: parsed(set.value()) }),
  };
}

function parsed(text) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(422, { errors: [{ pointer: '/jwks', detail: 'must be JSON: an object with `keys`' }] });
  }
}

/** Where the keys come from, for a list of facts. */
export const keysInWords = ({ jwks_uri: uri }) => (uri ? el('code', {}, uri) : 'Registered with it');
