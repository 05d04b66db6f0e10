'use strict';

// The outcomes of calls to a WASI.

const { WASI } = require('../..');

/** The outcome of a call: `returned`, or the properties of the error. */
function outcome(call) {
  try {
    return { returned: call() };
  } catch (error) {
    if (typeof error === 'symbol') return { thrown: error.description };
    const { code, message } = error;
    return { thrown: error.constructor.name, code, message };
  }
}

/** `actual` without what follows in its message behind that of `expected`. */
function withoutHint(actual, expected) {
  const { message } = expected;
  return message !== undefined && actual.message?.startsWith(message)
    ? { ...actual, message }
    : actual;
}

/** How a title names a value. */
function show(value) {
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value) ? '[]' : JSON.stringify(value);
  }
  return typeof value === 'function' ? 'a function' : String(value);
}

function newWASI(options) {
  return new WASI({ version: 'preview1', ...options });
}

module.exports = { newWASI, outcome, show, withoutHint };
