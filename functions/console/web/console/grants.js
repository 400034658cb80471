// Grants that are to come in, as somebody has them in a file: read, and cut into requests that the API takes.

/** What an import takes at once: so many, and so many bytes with what stands around them. */
const MOST = 100;
const MOST_BYTES = 120_000;

/** What one grant may have that comes alone. */
const LARGEST = 1_040_000;

/** What is wrong with a text of grants; never a piece of it, because tokens are in it. */
export class NoGrants extends Error {}

/**
 * The grants in a text: a list, an object with `connections`, or lines with one such object each, as an export has them.
 * Throws [`NoGrants`].
 */
export function grantsIn(text) {
  const grants = documents(text).flatMap((one) => (Array.isArray(one) ? one : (one?.connections ?? [undefined])));
  if (grants.length === 0) throw new NoGrants('There is no grant in it.');
  const wrong = grants.findIndex((one) => typeof one !== 'object' || one === null || Array.isArray(one));
  if (wrong >= 0)
    throw new NoGrants(
      'This is JSON, but no grants. It must be a list of objects, or an object with such a list as “connections”.',
    );
  return grants;
}

function documents(text) {
  const whole = text.trim();
  if (/^age-encryption\.org|^-----BEGIN AGE/.test(whole))
    throw new NoGrants('This is encrypted. Open it first: age -d -i move.key page-1.age');
  if (!whole) throw new NoGrants('Choose a file, or paste the grants.');
  try {
    return [JSON.parse(whole)];
  } catch {
    const lines = whole.split('\n').filter((line) => line.trim());
    return lines.map((line, at) => {
      try {
        return JSON.parse(line);
      } catch {
        throw new NoGrants(
          lines.length > 1 && at > 0 ? `Line ${at + 1} is no JSON.` : 'This is no JSON: it may have been cut off.',
        );
      }
    });
  }
}

const encoder = new TextEncoder();

/**
 * The grants in pieces, each with the number of its first grant. One that is too large for any request is a piece of its own,
 * which says so: it must not keep the others.
 */
export function batches(grants) {
  const pieces = [];
  let piece;
  for (const [at, grant] of grants.entries()) {
    const bytes = encoder.encode(JSON.stringify(grant)).length + 1;
    if (!piece || piece.grants.length === MOST || piece.bytes + bytes > MOST_BYTES) {
      piece = { first: at, grants: [], bytes: 0 };
      pieces.push(piece);
    }
    piece.grants.push(grant);
    piece.bytes += bytes;
    piece.isTooLarge = piece.bytes > LARGEST;
  }
  return pieces;
}

/** Sums of what became of grants, and what is to be said of single ones, by their numbers in all that came. */
export class Tally {
  imported = 0;
  skipped = 0;
  refused = 0;
  results = [];

  get all() {
    return this.imported + this.skipped + this.refused;
  }

  /** Adds one that cannot even be sent. */
  addTooLarge(index) {
    this.refused += 1;
    const errors = [{ pointer: `/connections/${index}`, detail: 'is larger than any import takes' }];
    this.results.push({ index, status: 'refused', errors });
  }

  /** Adds what one request answered. */
  add(first, { imported, skipped, refused, results }) {
    this.imported += imported;
    this.skipped += skipped;
    this.refused += refused;
    for (const { index, status, reason, errors = [] } of results) {
      if (status === 'imported') continue;
      const moved = errors.map(({ pointer, detail }) => ({
        pointer: pointer.replace(/^\/connections\/\d+/, `/connections/${first + index}`),
        detail,
      }));
      this.results.push({ index: first + index, status, reason, errors: moved });
    }
  }
}
