'use strict';

// Records that several threads write to one place.

const assert = require('node:assert/strict');

/** `size` bytes that say whose they are, and which, from end to end. */
function recordOf(id, index, size) {
  return Buffer.alloc(size, `${id}/${index} `);
}

/**
 * Asserts that `bytes` are `count` records of `size` bytes of each of `ids`, in
 * any order, but those of one in its order, and each whole.
 */
function assertRecords(bytes, ids, count, size) {
  assert.equal(bytes.length, ids.length * count * size);
  const next = new Map(ids.map((id) => [id, 0]));
  for (let at = 0; at < bytes.length; at += size) {
    const record = bytes.subarray(at, at + size);
    const id = Number(record.toString('latin1', 0, record.indexOf('/')));
    assert.ok(next.has(id), `no record begins at ${at}`);
    const index = next.get(id);
    assert.ok(
      record.equals(recordOf(id, index, size)),
      `the record at ${at} is not the record ${index} of ${id}`,
    );
    next.set(id, index + 1);
  }
  for (const [id, written] of next) assert.equal(written, count, `of ${id}`);
}

module.exports = { assertRecords, recordOf };
