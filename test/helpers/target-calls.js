'use strict';

// Writes to targets, by `WASI` and by `createWrites`, with each kind of buffering.

const { ERRNO } = require('../../lib/preview1');
const { putIovs, u32 } = require('./guest');
const { THROUGH } = require('./outputs');

const BUFFERED = [false, true, 'auto'];

const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;

/** Calls `test(through, buffered, title)` for each of these. */
function forEachMode(test) {
  for (const through of THROUGH) {
    for (const buffered of BUFFERED) {
      test(through, buffered, `under ${through}, buffered: ${buffered}`);
    }
  }
}

/**
 * Makes a call with a list in memory. Returns its errno and the value of `nwritten`.
 */
function call({ guest, memory }, fd, list, offset) {
  putIovs(memory, IOVS, list);
  new DataView(memory.buffer).setUint32(NWRITTEN, UNTOUCHED, true);
  const errno =
    offset === undefined
      ? guest.fd_write(fd, IOVS, list.length, NWRITTEN)
      : guest.fd_pwrite(fd, IOVS, list.length, offset, NWRITTEN);
  const count = u32(memory, NWRITTEN);
  return errno === ERRNO.SUCCESS ? { errno, count } : { errno, left: count };
}

module.exports = { call, forEachMode };
