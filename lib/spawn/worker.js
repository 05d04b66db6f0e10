'use strict';

// wasi-writev/thread: the program of the threads that `spawn` and `run` start, and the
// second entry of a bundle. It runs one guest after the other, each with all of its own.

const { parentPort } = require('node:worker_threads');
const { execute } = require('../run');
const { kRun, kStreams } = require('../guest');
const { kEnded } = require('../native/mailbox');
const { packError } = require('./errors');

parentPort.on('message', ({ program, options, run, streams }) => {
  const internal = { [kRun]: run, [kStreams]: streams };
  let outcome;
  try {
    const { exitCode } = execute(program, options, internal);
    outcome = { exitCode };
  } catch (error) {
    outcome = error === kEnded ? {} : { error: packError(error) };
  }
  parentPort.postMessage(outcome);
});
