'use strict';

// The command, run with the tools of test/guests.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { bin } = require('../../package.json');
const { guestPath } = require('./guest-path');

const ROOT = path.join(__dirname, '..', '..');
const CLI = path.join(ROOT, bin['wasi-writev']);
const TOOLBOX = guestPath('toolbox');
const EXCEPTIONS = guestPath('exceptions');

// The exit status after a trap.
const TRAPPED = 134;

/** Runs a program. Returns its output and its status or signal. */
function start(file, args, options) {
  const child = spawnSync(file, args, { encoding: 'utf8', ...options });
  assert.ifError(child.error);
  const { signal, status, stderr, stdout } = child;
  return { status: status ?? signal, stdout, stderr };
}

/** Runs the command with these arguments. */
const command = (args, options) =>
  start(process.execPath, [CLI, ...args], options);

/** Runs the command on the toolbox, asserts success, and returns stdout. */
function toolbox(args, { flags = [], ...options } = {}) {
  const result = command([...flags, TOOLBOX, ...args], options);
  const { status, stderr, stdout } = result;
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

module.exports = {
  CLI,
  EXCEPTIONS,
  TOOLBOX,
  TRAPPED,
  command,
  start,
  toolbox,
};
