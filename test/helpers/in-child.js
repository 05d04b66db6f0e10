'use strict';

// Runs part of a test in a process of its own.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');

/** The command line that runs `body(...args)`, with `require` relative to here. */
function commandLine(body, args = [], flags = []) {
  const call = `(${body})(...${JSON.stringify(args)})`;
  return [process.execPath, '--no-warnings', ...flags, '-e', call];
}

/**
 * Runs a function by its source text.
 *
 * @param {Function} body
 * @param {unknown[]} args JSON values
 * @param {string[]} flags of node
 * @param {object} env variables to add
 * @returns {{ status: number, stdout: string, stderr: string }}
 */
function inChild(body, args, flags, env) {
  const [node, ...rest] = commandLine(body, args, flags);
  const { error, status, stdout, stderr } = spawnSync(node, rest, {
    cwd: __dirname,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: Infinity,
  });
  assert.ifError(error);
  return { status, stdout, stderr };
}

/** Like `inChild`, but returns the function's result, or its promise's. */
function resultInChild(body, args, flags, env) {
  const print = `async (...args) => {
    const result = await (${body})(...args);
    require('node:fs').writeSync(1, JSON.stringify(result));
  }`;
  const { status, stdout, stderr } = inChild(print, args, flags, env);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/**
 * Like `inChild`, with a pipe on stdout that has a slow reader.
 *
 * @returns {{ stdout: Buffer, stderr: string }} stderr ends with the status
 */
function throughSlowPipe(body, args) {
  const pipeline =
    '{ "$@"; echo "status $?" >&2; } | python3 ../fixtures/reader.py slow';
  const { error, stdout, stderr } = spawnSync(
    'sh',
    ['-c', pipeline, 'sh', ...commandLine(body, args)],
    { cwd: __dirname, maxBuffer: Infinity },
  );
  assert.ifError(error);
  return { stdout, stderr: stderr.toString() };
}

module.exports = { commandLine, inChild, resultInChild, throughSlowPipe };
