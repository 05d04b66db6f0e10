'use strict';

// Guests of one test that open files, and their counters.

const assert = require('node:assert/strict');
const { withWASI } = require('./guest');
const { Session } = require('./session');
const { useTempDir } = require('./temp');

/**
 * Call it in a `describe`.
 *
 * @returns {object} `dir`: see `useTempDir`; `start(options)`: the Session of a
 *   guest whose `/` it is, closed after the test
 */
function useGuests() {
  const dir = useTempDir();
  let guests;

  beforeEach(() => {
    guests = [];
  });
  afterEach(() => {
    for (const wasi of guests) wasi.close();
  });

  function start(options) {
    const started = withWASI({ preopens: { '/': dir.path('') }, ...options });
    guests.push(started.wasi);
    return new Session(started);
  }

  return { dir, start };
}

/** Asserts that `count` writes succeeded, all made by the host. */
function assertWrites({ wasi }, count) {
  const { calls, native } = wasi.stats;
  assert.deepEqual({ calls, native }, { calls: count, native: count });
}

module.exports = { assertWrites, useGuests };
