// The one form that every error has (RFC 9457), checked to the last member.
import assert from 'node:assert/strict';
import { STATUS_CODES } from 'node:http';

const MEMBERS = ['code', 'detail', 'request_id', 'status', 'title', 'type'];

/**
 * Asserts that `answer` is exactly this error and nothing more.
 *
 * `expected` has `status` and `code`, and where the test fixes them `detail`, `errors` (as pointers) and `upstream`.
 */
export function assertProblem(answer, expected, about = '') {
  const { status, code, detail, errors, upstream } = expected;
  const seen = `${about} → ${answer.status} ${answer.text}`;
  assert.equal(answer.status, status, seen);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json', seen);
  const members = [...MEMBERS, ...(errors ? ['errors'] : []), ...(upstream ? ['upstream'] : [])].sort();
  assert.deepEqual(Object.keys(answer.body).sort(), members, seen);
  assert.deepEqual([answer.body.status, answer.body.code], [status, code], seen);
  assert.deepEqual([answer.body.type, answer.body.title], ['about:blank', STATUS_CODES[status]], seen);
  assert.match(answer.body.request_id, /^\w{8,}$/, seen);
  assert.ok(answer.body.detail.length > 10, seen);
  assert.equal(answer.headers.get('x-base44-connector-error'), code, seen);
  assert.equal(answer.body.request_id, answer.headers.get('x-request-id'), seen);
  if (detail) assert.equal(answer.body.detail, detail, seen);
  if (errors) assert.deepEqual(answer.body.errors.map(({ pointer }) => pointer).sort(), [...errors].sort(), seen);
  if (upstream) assert.deepEqual(answer.body.upstream, upstream, seen);
}
