// The two commands of age, as far as somebody needs them who moves out: `age-keygen` makes a key and tells its public half,
// `age -d` opens a file that is for it (age-encryption.org/v1, X25519, armoured). Written against the format's description,
// not against the product, for machines that have no age.
import { createDecipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { generateKeyPairSync, hkdfSync, timingSafeEqual } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';

const ALPHABET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATORS = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHUNK = 64 * 1024 + 16;

/** Bits in groups of another size; what is left over is filled with zeros, or must be zeros. */
function regrouped(values, from, to, fills) {
  let [held, bits] = [0, 0];
  const groups = [];
  for (const value of values) {
    held = ((held << from) | value) & 0xfff;
    bits += from;
    while (bits >= to) groups.push((held >> (bits -= to)) & ((1 << to) - 1));
  }
  if (fills && bits > 0) groups.push((held << (to - bits)) & ((1 << to) - 1));
  return groups;
}

function checksum(prefix, values) {
  const expanded = [...prefix].map((c) => c.charCodeAt(0) >> 5).concat(0);
  expanded.push(...[...prefix].map((c) => c.charCodeAt(0) & 31), ...values);
  return expanded.reduce((sum, value) => {
    const next = ((sum & 0x1ffffff) << 5) ^ value;
    return GENERATORS.reduce((mixed, generator, bit) => ((sum >> 25) & (1 << bit) ? mixed ^ generator : mixed), next);
  }, 1);
}

/** BIP 173. */
function bech32(prefix, bytes) {
  const values = regrouped(bytes, 8, 5, true);
  const sum = checksum(prefix, values.concat(0, 0, 0, 0, 0, 0)) ^ 1;
  const closing = [5, 4, 3, 2, 1, 0].map((index) => (sum >> (5 * index)) & 31);
  return `${prefix}1${values
    .concat(closing)
    .map((value) => ALPHABET[value])
    .join('')}`;
}

function bytesOf(prefix, key) {
  const values = [...key.toLowerCase().slice(prefix.length + 1)].map((c) => ALPHABET.indexOf(c));
  if (checksum(prefix, values) !== 1) throw new Error('not a key');
  return Buffer.from(regrouped(values.slice(0, -6), 5, 8, false));
}

const url = (bytes) => Buffer.from(bytes).toString('base64url');
const publicKey = (x) => createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: url(x) }, format: 'jwk' });

/** The identity in a key file: its secret half, and its public one. */
function identity(file) {
  const line = readFileSync(file, 'utf8').match(/^AGE-SECRET-KEY-1[A-Z0-9]+$/m)[0];
  // PKCS #8 of an X25519 key (RFC 8410), because a JWK would have to name the public half.
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), bytesOf('age-secret-key-', line)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { key, x: Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url') };
}

const derived = (secret, salt, info) => Buffer.from(hkdfSync('sha256', secret, salt, info, 32));

function opened(key, nonce, sealed) {
  const cipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  cipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

/** What a file says to who has the key. */
export function decrypted(armoured, { key, x }) {
  const [, encoded] = armoured.match(
    /^-----BEGIN AGE ENCRYPTED FILE-----\n([^-]*)-----END AGE ENCRYPTED FILE-----\s*$/,
  );
  const file = Buffer.from(encoded, 'base64');
  const [header, authenticated, share, wrapped, tag] = file
    .toString('latin1')
    .match(/^(age-encryption\.org\/v1\n-> X25519 (\S+)\n(\S+)\n---) (\S+)\n/)
    .slice(0, 5);
  const ephemeral = Buffer.from(share, 'base64');
  const agreed = diffieHellman({ privateKey: key, publicKey: publicKey(ephemeral) });
  const wrapping = derived(agreed, Buffer.concat([ephemeral, x]), 'age-encryption.org/v1/X25519');
  const fileKey = opened(wrapping, Buffer.alloc(12), Buffer.from(wrapped, 'base64'));
  const expected = createHmac('sha256', derived(fileKey, '', 'header'))
    .update(authenticated, 'latin1')
    .digest();
  if (!timingSafeEqual(expected, Buffer.from(tag, 'base64'))) throw new Error('the header was changed');
  const payload = file.subarray(header.length);
  const payloadKey = derived(fileKey, payload.subarray(0, 16), 'payload');
  const chunks = [];
  for (let at = 16, number = 0; at < payload.length; at += CHUNK, number += 1) {
    const nonce = Buffer.alloc(12);
    nonce.writeUInt32BE(number, 7);
    nonce[11] = at + CHUNK >= payload.length ? 1 : 0;
    chunks.push(opened(payloadKey, nonce, payload.subarray(at, at + CHUNK)));
  }
  return Buffer.concat(chunks);
}

/** Puts both commands into a directory, for a `PATH`. */
export function installAge(directory) {
  for (const name of ['age', 'age-keygen']) {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${import.meta.filename}' ${name} "$@"\n`);
    chmodSync(path, 0o755);
  }
}

function keygen([option, file]) {
  if (option === '-y') {
    console.log(bech32('age', identity(file).x));
  } else {
    const der = generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    const secret = bech32('age-secret-key-', der.subarray(-32)).toUpperCase();
    writeFileSync(file, `# a key\n${secret}\n`, { mode: 0o600, flag: 'wx' });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [, , command, ...options] = process.argv;
  if (command === 'age-keygen') keygen(options);
  else process.stdout.write(decrypted(await text(process.stdin), identity(options[options.indexOf('-i') + 1])));
}
