'use strict';

// The plain case of a buffered write in JS: what src/combiner.wat does, for an
// engine without several memories. Hot: plain loops, no objects made.

const { IOVEC_SIZE, ERRNO } = require('./preview1');

const COPY_MAX = 128;

// The header of the staging memory: src/combiner.wat has the list. In words of
// 32 bits, but for END.
const WRITE_FD = 0;
const PWRITE_FD = 2;
const END = 2; // in words of 64 bits
const USED = 6;
const CAPACITY = 7;
const CALLS = 8;
const HEADER = 64; // bytes

/**
 * @param {Int32Array} i32 the header
 * @param {BigInt64Array} i64 the header
 * @param {Uint8Array} data what is staged
 * @param {import('./memory').GuestMemory} memory
 * @param {Function} slow `(fd, iovs, iovsLen, nwritten, offset)`: all other cases
 * @returns {{ fd_write: Function, fd_pwrite: Function }}
 */
function createStage(i32, i64, data, memory, slow) {
  const staged = new DataView(data.buffer, data.byteOffset, data.byteLength);

  // `set` pays for a view of its own: a loop over words is faster for a few
  // bytes.
  function copy(view, words, from, to, length) {
    if (length > COPY_MAX) {
      data.set(view.subarray(from, from + length), to);
      return;
    }
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      staged.setInt32(to + i, words.getInt32(from + i, true), true);
    }
    for (; i < length; i++) data[to + i] = view[from + i];
  }

  // The bytes that were staged; 0 where it was not the plain case. Memory that
  // grew is not: its old view has no bytes.
  function stage(iovs, iovsLen, nwritten) {
    const { view, words } = memory;
    const size = view.length;
    let at = iovs >>> 0;
    let left = iovsLen >>> 0;
    if (at + left * IOVEC_SIZE > size || (nwritten >>> 0) + 4 > size) return 0;
    const begin = i32[USED];
    const end = i32[CAPACITY];
    let to = begin;
    for (; left > 0; left--, at += IOVEC_SIZE) {
      const length = words.getUint32(at + 4, true);
      if (length === 0) continue;
      const from = words.getUint32(at, true);
      if (length > end - to || from + length > size) return 0;
      copy(view, words, from, to, length);
      to += length;
    }
    i32[USED] = to;
    if (to !== begin) words.setUint32(nwritten >>> 0, to - begin, true);
    return to - begin;
  }

  return {
    fd_write(fd, iovs, iovsLen, nwritten) {
      if (
        i32[WRITE_FD] === fd &&
        i32[WRITE_FD + 1] === 0 &&
        stage(iovs, iovsLen, nwritten) !== 0
      ) {
        i32[CALLS]++;
        return ERRNO.SUCCESS;
      }
      return slow(fd, iovs, iovsLen, nwritten);
    },

    fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
      if (
        i32[PWRITE_FD] === fd &&
        i32[PWRITE_FD + 1] === 0 &&
        i64[END] === offset &&
        offset >= 0n // from 2^63 on it is negative, and INVAL
      ) {
        const length = stage(iovs, iovsLen, nwritten);
        if (length !== 0) {
          i64[END] += BigInt(length);
          i32[CALLS]++;
          return ERRNO.SUCCESS;
        }
      }
      return slow(fd, iovs, iovsLen, nwritten, offset);
    },
  };
}

module.exports = {
  CALLS,
  CAPACITY,
  END,
  HEADER,
  PWRITE_FD,
  USED,
  WRITE_FD,
  createStage,
};
