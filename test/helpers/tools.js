'use strict';

// Tools for the tests of spawn(), and how they are looked at.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { spawn } = require('../..');
const { compile } = require('./guest');

/** Tools of test/guests/NAME.c: spawn() with `args`. */
const toolsOf = (name) => (args, options) =>
  spawn(compile(name), { args, ...options });

const toolbox = toolsOf('toolbox');
const streams = toolsOf('streams');

/** What the errors of an ending have, besides what is so for all. */
const ENDED = {
  canceled: { code: 'ABORT_ERR', name: 'AbortError', isCanceled: true },
  timedOut: { code: 'ETIMEDOUT', timedOut: true },
  terminated: { code: 'ERR_WASI_WRITEV_TERMINATED', isTerminated: true },
  maxBuffer: { code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER', isMaxBuffer: true },
};

/** Asserts that a tool was ended in one of the ways above, and returns the error. */
async function assertEnded(tool, way) {
  const error = await tool.then(
    (result) => assert.fail(`it ended: ${JSON.stringify(result)}`),
    (thrown) => thrown,
  );
  const { code, name, exitCode } = error;
  const { isCanceled, timedOut, isTerminated, isMaxBuffer } = error;
  assert.deepEqual(
    { code, name, exitCode, isCanceled, timedOut, isTerminated, isMaxBuffer },
    {
      name: way === 'maxBuffer' ? 'RangeError' : 'Error',
      exitCode: undefined,
      isCanceled: false,
      timedOut: false,
      isTerminated: false,
      isMaxBuffer: false,
      ...ENDED[way],
    },
    error.stack,
  );
  return error;
}

/** The first chunk of a stream as text, after which it stays as it is. */
async function firstOf(stream) {
  const [chunk] = await once(stream, 'data');
  return String(chunk);
}

/** Resolves once a stream has given exactly `expected`. */
async function untilText(stream, expected) {
  let text = '';
  const take = (chunk) => (text += chunk);
  stream.on('data', take);
  while (text.length < expected.length) await once(stream, 'data');
  stream.off('data', take);
  assert.equal(text, expected);
}

/** `streams(...)`, and a promise for when it has come to its tool. */
function readyStreams(args, options) {
  const tool = streams(args, { env: { READY: '1' }, ...options });
  return { tool, ready: untilText(tool.stderr, 'ready') };
}

module.exports = {
  assertEnded,
  firstOf,
  readyStreams,
  streams,
  toolbox,
  untilText,
};
