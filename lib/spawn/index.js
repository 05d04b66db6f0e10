'use strict';

// `spawn`, and `run`, which is that with all output captured.

const { engine } = require('../engine');
const { invalidValue } = require('../errors');
const { Execution } = require('./execution');
const { runHere } = require('./here');
const { spawnOptions } = require('./options');
const { NAMES, isPipe } = require('./streams');
const { Tool } = require('./tool');

const PIPES = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' };
const CAPTURES = { stdin: 'inherit', stdout: 'capture', stderr: 'capture' };

/** See lib/index.d.ts. */
function spawn(source, options = {}) {
  const taken = spawnOptions(options, PIPES);
  return Tool.start(new Execution(taken), source, taken.plans);
}

/** See lib/index.d.ts. */
async function run(source, options = {}) {
  const taken = spawnOptions(options, CAPTURES);
  taken.plans.forEach((plan, fd) => {
    if (!isPipe(plan)) return;
    throw invalidValue(
      `options.${NAMES[fd]}`,
      'is for spawn(): run() returns no streams',
      'pipe',
    );
  });
  return engine === 'native'
    ? new Execution(taken).start(source)
    : runHere(source, taken);
}

module.exports = { run, spawn };
