'use strict';

// Errors with Node's own codes, and the checks of a caller's arguments.

const path = require('node:path');
const { inspect } = require('node:util');

function withCode(error, code) {
  error.code = code;
  // Like Node's own errors: `TypeError [ERR_INVALID_ARG_TYPE]: ...`.
  error.stack = error.stack.replace(error.name, `${error.name} [${code}]`);
  return error;
}

function given(value) {
  const text = inspect(value, { depth: 0, breakLength: Infinity });
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/**
 * @param {string} name of the argument: `options.fds`
 * @param {string} expected `an object or a Map`
 * @param {unknown} value the one given
 */
function invalidType(name, expected, value) {
  return withCode(
    new TypeError(`${name} must be ${expected}. Received ${given(value)}`),
    'ERR_INVALID_ARG_TYPE',
  );
}

function invalidValue(name, reason, value) {
  return withCode(
    new TypeError(`${name} ${reason}. Received ${given(value)}`),
    'ERR_INVALID_ARG_VALUE',
  );
}

function outOfRange(name, range, value) {
  return withCode(
    new RangeError(
      `The value of "${name}" is out of range. It must be ${range}. ` +
        `Received ${given(value)}`,
    ),
    'ERR_OUT_OF_RANGE',
  );
}

function alreadyStarted() {
  return withCode(
    new Error('WASI instance has already started'),
    'ERR_WASI_ALREADY_STARTED',
  );
}

function notStarted() {
  return withCode(
    new Error('wasi.start() has not been called'),
    'ERR_WASI_NOT_STARTED',
  );
}

function invalidMemory() {
  return withCode(
    new TypeError(
      '"instance.exports.memory" property must be a WebAssembly.Memory object',
    ),
    'ERR_INVALID_ARG_TYPE',
  );
}

/** Where WebAssembly has no way to wait for a promise. */
function noSuspending(what) {
  return withCode(
    new Error(
      `${what} needs WebAssembly.Suspending, which Node has from 24 on`,
    ),
    'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  );
}

function outOfMemory(what, cause) {
  return withCode(
    new RangeError(`There is no memory for ${what}`, { cause }),
    'ERR_MEMORY_ALLOCATION_FAILED',
  );
}

/** The error under Node's `--permission` without `--allow-wasi`. */
function accessDenied() {
  const error = new Error(
    'Access to this API has been restricted. Use --allow-wasi to manage ' +
      'permissions.',
  );
  return Object.assign(withCode(error, 'ERR_ACCESS_DENIED'), {
    permission: 'WASI',
    resource: '',
  });
}

/** Adds `file` to an error of node:fs that does not name it. */
function withPath(error, file) {
  if (error.message.includes(`'${file}'`)) return error;
  const message = `'${file}': ${error.message}`;
  error.stack = error.stack.replace(error.message, message);
  error.message = message;
  return error;
}

const NO_DIRECTORY = {
  ACCES: 'may not be opened',
  NOENT: 'does not exist',
  NOTDIR: 'is not a directory',
};

/** Says why a guest cannot have a directory of the host. */
function whyNoDirectory(errno, hostPath) {
  if (hostPath === '') return "'' is no path; the working directory is '.'";
  const { ERRNO_NAMES } = require('./preview1'); // most processes need none
  const why = NO_DIRECTORY[ERRNO_NAMES[errno]] ?? 'cannot be opened';
  return `'${path.resolve(hostPath)}' ${why}`;
}

/** Node's error for a preopen. Only the text after `uvwasi_init` is ours. */
function preopenFailed(errno, guestName, hostPath) {
  const { ERRNO_NAMES } = require('./preview1');
  const code = `UVWASI_E${ERRNO_NAMES[errno]}`;
  const error = new Error(
    `${code}, uvwasi_init: options.preopens[${inspect(guestName)}]: ` +
      whyNoDirectory(errno, hostPath),
  );
  const syscall = 'uvwasi_init';
  return Object.assign(error, { errno, code, syscall, path: hostPath });
}

/** The error for a stream of a guest that could not be opened. */
function streamFailed(errno, fd) {
  const { ERRNO_NAMES } = require('./preview1');
  const code = `E${ERRNO_NAMES[errno]}`;
  const name = ['stdin', 'stdout', 'stderr'][fd] ?? `fd ${fd}`;
  const error = new Error(
    `${code}: the ${name} of a guest could not be opened`,
  );
  return Object.assign(error, { errno, code, syscall: 'open' });
}

/** Runs are known within one copy of the addon. */
function runNotFound() {
  return withCode(
    new Error(
      'The thread of the tool does not find it: the thread must load the same copy ' +
        'of the addon as its caller',
    ),
    'ERR_WASI_WRITEV_NO_THREAD',
  );
}

/** Whether a value can have options, by the rule of Node. */
const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkObject(value, name) {
  if (!isObject(value)) throw invalidType(name, 'an object', value);
}

/** Throws for an own key of `options` that is not in `known`. */
function checkKnownOptions(options, known) {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw invalidValue(
        `options.${key}`,
        `is not an option; the options are ${known.join(', ')}`,
        options[key],
      );
    }
  }
}

function checkInteger(value, name, min, max) {
  if (typeof value !== 'number') throw invalidType(name, 'a number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) {
    throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  }
}

module.exports = {
  accessDenied,
  alreadyStarted,
  checkInteger,
  checkKnownOptions,
  checkObject,
  invalidMemory,
  invalidType,
  invalidValue,
  isObject,
  noSuspending,
  notStarted,
  outOfMemory,
  outOfRange,
  preopenFailed,
  runNotFound,
  streamFailed,
  whyNoDirectory,
  withCode,
  withPath,
};
