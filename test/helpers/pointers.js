'use strict';

// Pointers out of bounds.

const GIB = 2 ** 30;

/** Pointers to `length` bytes that are not all within a memory of `size` bytes. */
function pointersOutside(length, size) {
  return [
    size - length + 1,
    size - 1,
    size,
    size + 1,
    2 * GIB - 1,
    2 * GIB,
    3 * GIB,
    2 ** 32 - length + 1,
    2 ** 32 - 8,
    2 ** 32 - 4,
    2 ** 32 - 1,
  ].filter((pointer) => pointer + length > size && pointer < 2 ** 32);
}

module.exports = { pointersOutside };
