'use strict';

// Bytes that show their position, and a comparison for them.

const assert = require('node:assert/strict');

/** `length` bytes in which no two aligned words are equal. */
function pattern(length) {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761);
  return Buffer.from(words.buffer, 0, length);
}

/** Like `deepEqual`, but shows the first difference instead of all bytes. */
function assertSameBytes(actual, expected) {
  const length = Math.min(actual.length, expected.length);
  let same = length;
  if (!actual.subarray(0, length).equals(expected.subarray(0, length))) {
    same = actual.findIndex((byte, i) => byte !== expected[i]);
  }
  assert.deepEqual(
    { length: actual.length, same },
    { length: expected.length, same: length },
  );
}

module.exports = { assertSameBytes, pattern };
