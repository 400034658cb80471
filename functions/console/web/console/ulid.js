// ULIDs: 48 bits of time and 80 of chance, in Crockford's Base32.
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A fresh one. */
export function ulid(now = Date.now()) {
  let time = '';
  for (let left = now; time.length < 10; left = Math.floor(left / 32)) time = ALPHABET[left % 32] + time;
  const chance = crypto.getRandomValues(new Uint8Array(16));
  return time + Array.from(chance, (byte) => ALPHABET[byte % 32]).join('');
}
