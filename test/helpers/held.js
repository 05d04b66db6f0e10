'use strict';

// The error of a flush that cannot write its bytes.

const assert = require('node:assert/strict');
const { ERRNO_NAMES } = require('../../lib/preview1');

/** Asserts that `flush` throws it, with these properties. */
function assertHeld(flush, { fd, pending, errno }, details = {}) {
  assert.throws(flush, (error) => {
    assert.ok(error instanceof Error);
    assert.equal(
      error.message,
      `${pending} bytes for guest fd ${fd} could not be written`,
    );
    assert.deepEqual(
      { ...error },
      { code: `E${ERRNO_NAMES[errno]}`, errno, fd, pending, ...details },
    );
    return true;
  });
}

// Small writes that are all buffered; each fd_pwrite continues the one before.
const FILL = {
  fd_write(session, fd, bytes) {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      at += session.write(fd, bytes.subarray(at, at + 1 + (i % 1500)));
    }
  },

  fd_pwrite(session, fd, bytes) {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const part = bytes.subarray(at, at + 1 + (i % 1500));
      at += session.pwrite(fd, part, BigInt(at));
    }
  },
};

module.exports = { FILL, assertHeld };
