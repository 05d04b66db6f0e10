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

const LINE = 16; // bytes

/** A line that holds its number, of `LINE` bytes. */
function lineOf(index) {
  return Buffer.from(`${index}\n`.padStart(LINE, ' '));
}

/** Asserts that `bytes` are lines from 0 on, the last one whole. Returns how many. */
function assertLines(bytes) {
  assert.equal(bytes.length % LINE, 0, 'the last line is torn');
  const count = bytes.length / LINE;
  for (let i = 0; i < count; i++) {
    const line = bytes.subarray(i * LINE, (i + 1) * LINE);
    assert.ok(line.equals(lineOf(i)), `line ${i} is ${line}`);
  }
  return count;
}

module.exports = { LINE, assertLines, assertRecords, lineOf, recordOf };
