'use strict';

// The guest `command`, whose main is a function of the test.

const { WASI } = require('../..');
const { compile } = require('./guest');
const { Session } = require('./session');

/**
 * @param {object} options of `WASI`
 * @param {(session: Session) => void} main what the guest does
 * @returns {{ wasi: WASI, session: Session, start: () => number,
 *   bind: () => void }} `bind` in place of `start`: main does not run
 */
function createCommand(options, main) {
  const wasi = new WASI({ version: 'preview1', ...options });
  const instance = new WebAssembly.Instance(compile('command'), {
    ...wasi.getImportObject(),
    host: { main: () => main(session) },
  });
  const { exports } = instance;
  const session = new Session({
    guest: exports,
    memory: exports.memory,
    wasi,
  });
  return {
    wasi,
    session,
    start: () => wasi.start(instance),
    bind: () => wasi.finalizeBindings(instance),
  };
}

/** Runs a command to its end. Returns its `WASI` and exit code. */
function runCommand(options, main) {
  const { wasi, session, start } = createCommand(options, main);
  return { wasi, session, exitCode: start() };
}

module.exports = { createCommand, runCommand };
