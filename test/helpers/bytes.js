'use strict';

// Bytes that tell where they come from, and their comparison.

const assert = require('node:assert/strict');

/** `length` bytes of which no two aligned words are alike. */
function pattern(length) {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761);
  return Buffer.from(words.buffer, 0, length);
}

/** Like `deepEqual`, but says where the difference is and not all there is. */
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
