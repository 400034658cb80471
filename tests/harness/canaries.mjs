// Looks for secrets where none may be, in every spelling in which one could get there.

function spellings(secret) {
  const bytes = Buffer.from(secret);
  return new Set([
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ]);
}

/** Text of anything: bytes are read as latin-1, so that a plain secret inside them is seen. */
function asText(value) {
  return JSON.stringify(value, (_key, part) =>
    part instanceof Uint8Array ? Buffer.from(part).toString('latin1') : part,
  );
}

/** Which of `secrets` (`[kind, value]` pairs) can be read in `haystack` (a string or any plain value). */
export function found(secrets, haystack) {
  const text = typeof haystack === 'string' ? haystack : asText(haystack);
  return [
    ...new Set(
      secrets
        .filter(([, secret]) => [...spellings(secret)].some((spelling) => text.includes(spelling)))
        .map(([kind]) => kind),
    ),
  ];
}
