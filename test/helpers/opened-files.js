'use strict';

// Guests of one test that open files, and what their counters say.

const assert = require('node:assert/strict');
const { withWASI } = require('./guest');
const { Session } = require('./session');
const { useTempDir } = require('./temp');

/**
 * To be called in a `describe`.
 *
 * @returns {object} `dir`: as `useTempDir` gives it; `start(options)`: the Session
 *   of a guest that has it as `/`, and is closed after the test
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

/** Asserts that `count` writes succeeded, each of them by the host. */
function assertWrites({ wasi }, count) {
  const { calls, native } = wasi.stats;
  assert.deepEqual({ calls, native }, { calls: count, native: count });
}

module.exports = { assertWrites, useGuests };
