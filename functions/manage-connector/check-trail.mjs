#!/usr/bin/env node
// Checks a copy of an audit trail, with Node and nothing else: that each line is what was digested, and that none is missing
// between others. With the `witness` of `GET …/audit/verify`, which vouches for how far each lane has come, that none is
// missing at the end, and that the copy is of that very trail.
//
//   node check-trail.mjs [witness] < trail.ndjson
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

const NOTHING = '0'.repeat(64);
const FORMAT = 'connectors.audit.v3';
const SIGNING_BEGUN = 'audit.signing_begun';

/** Canonical JSON (RFC 8785), as far as a line has it: texts, whole numbers, objects. */
function canonical(value) {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

const digest = ({ hash, signature, ...digested }) => createHash('sha256').update(canonical(digested)).digest('hex');

function fail(line, what) {
  console.error(`line ${line}: ${what}`);
  process.exit(1);
}

const witnessed = (process.argv[2] ?? '').split(',').map((place) => place.split(':'));
// A copy of a part begins in the middle of its lanes: then it is not said that it is whole from the first line on.
const seen = { lines: 0, digested: 0, linked: 0, unlinked: 0, from_first: true };
let lanes = new Map();

for await (const text of createInterface({ input: process.stdin })) {
  seen.lines += 1;
  const event = JSON.parse(text);
  if (event.unreadable) fail(seen.lines, 'is not an event that can be read');
  if (event.lane === undefined) {
    if (lanes.size > 0) fail(seen.lines, 'has no place in a chain');
    seen.unlinked += 1;
    continue;
  }
  // Lines of an earlier form are digested with the key: who has no key sees that they follow each other.
  if (event.format === FORMAT && digest(event) !== event.hash) fail(seen.lines, 'is not what was written');
  seen[event.format === FORMAT ? 'digested' : 'linked'] += 1;
  if (event.action === SIGNING_BEGUN) lanes = new Map();
  const last = lanes.get(event.lane);
  const follows = last
    ? event.seq === last.seq + 1 && event.previous === last.hash
    : event.seq > 1 || event.previous === NOTHING;
  if (!follows) fail(seen.lines, 'does not follow the line before it in its lane');
  if (!last && event.seq > 1) seen.from_first = false;
  const [seq, hash] = witnessed[event.lane] ?? [];
  if (hash && event.seq === Number(seq) && event.hash !== hash) fail(seen.lines, 'is not what the witness saw');
  lanes.set(event.lane, event);
}

for (const [lane, [seq, hash]] of witnessed.entries()) {
  if (hash && !((lanes.get(lane)?.seq ?? 0) >= Number(seq))) fail(seen.lines, `is the last, and lane ${lane} went on`);
}
console.log(JSON.stringify(seen));
