'use strict';

// Errors of a tool: those that cross from its thread, and those for how it was ended.

const { withCode } = require('../errors');

const CLASSES = {
  CompileError: WebAssembly.CompileError,
  LinkError: WebAssembly.LinkError,
  RuntimeError: WebAssembly.RuntimeError,
  RangeError,
  TypeError,
};

const PLAIN = ['string', 'number', 'boolean', 'bigint'];

/** What of an error a message can carry. */
function packError(error) {
  if (!(error instanceof Error)) {
    const message =
      error instanceof WebAssembly.Exception
        ? 'An exception of WebAssembly that nothing has caught'
        : String(error);
    return { name: 'Error', message, stack: undefined, members: {} };
  }
  const { name, message, stack } = error;
  const members = Object.fromEntries(
    Object.entries(error).filter(([, value]) => PLAIN.includes(typeof value)),
  );
  return { name, message, stack, members };
}

function unpackError({ name, message, stack, members }) {
  const error = new (CLASSES[name] ?? Error)(message);
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, members);
}

/** How a tool can be ended from outside. */
const ENDINGS = {
  canceled({ reason }) {
    const error = new Error('The tool was aborted', { cause: reason });
    error.name = 'AbortError';
    return withCode(error, 'ABORT_ERR');
  },
  timedOut({ timeout }) {
    return withCode(
      new Error(`The tool was ended after ${timeout} milliseconds`),
      'ETIMEDOUT',
    );
  },
  terminated() {
    return withCode(
      new Error('The tool was killed'),
      'ERR_WASI_WRITEV_TERMINATED',
    );
  },
  maxBuffer({ maxBuffer, name }) {
    return withCode(
      new RangeError(`${name} has more than ${maxBuffer} bytes`),
      'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
    );
  },
};

/** The error for how a tool was ended. */
function endedError(how, details) {
  return Object.assign(ENDINGS[how](details), {
    isCanceled: how === 'canceled',
    timedOut: how === 'timedOut',
    isTerminated: how === 'terminated',
    isMaxBuffer: how === 'maxBuffer',
    exitCode: undefined,
  });
}

module.exports = { endedError, packError, unpackError };
