'use strict';

// Records that several threads write to the same place.

const assert = require('node:assert/strict');

/** `size` bytes that identify the thread and the record at every position. */
function recordOf(id, index, size) {
  return Buffer.alloc(size, `${id}/${index} `);
}

/**
 * Asserts that `bytes` are `count` whole records of `size` bytes from each of `ids`.
 * Records of one thread are in order.
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

/** A line of `LINE` bytes with its number. */
function lineOf(index) {
  return Buffer.from(`${index}\n`.padStart(LINE, ' '));
}

/** Asserts that `bytes` are whole lines from 0 on. Returns how many. */
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
