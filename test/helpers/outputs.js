'use strict';

// Guests whose output has targets, under `WASI` and under `createWrites`.

const assert = require('node:assert/strict');
const { withWASI, withWrites } = require('./guest');
const { Session } = require('./session');

const STDOUT = 1;

class OutputSession extends Session {
  /** The result of the last call: `nwritten`, for a write. */
  lastResult() {
    return this.lastFd();
  }
}

// Each takes targets by guest fd. `WASI` uses only those of 1 and 2.
const THROUGH = {
  WASI(fds, options) {
    const started = withWASI({ stdout: fds[1], stderr: fds[2], ...options });
    const { wasi } = started;
    return Object.assign(new OutputSession(started), {
      captured: (fd) => (fd === STDOUT ? wasi.stdout : wasi.stderr),
      discard: () => wasi.discard(),
      flush: () => wasi.flush(),
      end: () => wasi.close(),
    });
  },

  createWrites(fds, options) {
    const started = withWrites({ fds, ...options });
    const { writes } = started;
    return Object.assign(new OutputSession(started), {
      writes,
      captured: (fd) => writes.captured(fd),
      discard: () => writes.discard(),
      flush: () => writes.flush(),
      end: () => writes.close(),
    });
  },
};

/**
 * Call it in a `describe`.
 *
 * @returns {(through: string, fds: object, options?: object) => OutputSession} a
 *   session with `captured(fd)`, `discard()`, `flush()` and, for createWrites,
 *   `writes`. Its `end()` closes it after the test.
 */
function useOutputs() {
  const sessions = [];

  afterEach(function end() {
    for (const session of sessions.splice(0)) {
      try {
        session.end();
      } catch (error) {
        // A failed test may leave bytes that cannot be written.
        if (this.currentTest.state !== 'failed') throw error;
      }
    }
  });

  return (through, fds, options) => {
    const session = THROUGH[through](fds, options);
    sessions.push(session);
    return session;
  };
}

/** Asserts that `action` throws this very value, not an equal one. */
function assertThrowsIt(action, value) {
  let thrown;
  try {
    action();
  } catch (error) {
    thrown = { error };
  }
  assert.ok(thrown !== undefined, 'nothing was thrown');
  assert.equal(thrown.error, value);
}

module.exports = { THROUGH: Object.keys(THROUGH), assertThrowsIt, useOutputs };
