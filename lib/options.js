'use strict';

// The options that `WASI` and `createWrites` share.

const { fileURLToPath } = require('node:url');
const {
  checkInteger,
  invalidType,
  invalidValue,
  noSuspending,
} = require('./errors');
const { GUEST_FD_LIMIT } = require('./preview1');

const DEFAULT_BUFFER_SIZE = 65536;
const DEFAULT_CAPTURE_LIMIT = 64 * 2 ** 20;

const MAX_TIMEOUT = 2 ** 31 - 1;
const MAX_BUFFER_SIZE = 2 ** 30;
const MAX_OPEN_FILES = GUEST_FD_LIMIT;
const { MAX_LENGTH } = require('node:buffer').constants;

const WRITE_OPTIONS = ['waitTimeout', 'buffered', 'bufferSize', 'captureLimit'];

// The options of `WASI` alone.
const GUEST_OPTIONS = ['maxOpenFiles'];

// The options of Node's WASI.
const NODE_OPTIONS = [
  'version',
  'args',
  'env',
  'preopens',
  'stdin',
  'stdout',
  'stderr',
  'returnOnExit',
];

// Of the class alone.
const CLASS_OPTIONS = ['suspending'];

/** A copy of these members, also of inherited ones. Each is read once. */
const pick = (object, names) =>
  Object.fromEntries(names.map((name) => [name, object[name]]));

/**
 * Reads each option of `WASI` once: known ones, also inherited as in Node, and unknown
 * own ones.
 */
function readOptions(options) {
  const names = [
    ...NODE_OPTIONS,
    ...WRITE_OPTIONS,
    ...GUEST_OPTIONS,
    ...CLASS_OPTIONS,
    ...Reflect.ownKeys(options),
  ];
  return pick(options, [...new Set(names)]);
}

function waitTimeoutOption(value = Infinity) {
  if (value === Infinity) return -1;
  checkInteger(value, 'options.waitTimeout', 0, MAX_TIMEOUT);
  return value;
}

function bufferedOption(value = false) {
  if (value !== true && value !== false && value !== 'auto') {
    throw invalidValue(
      'options.buffered',
      "must be true, false or 'auto'",
      value,
    );
  }
  return value;
}

/** Whether the guest is to wait for streams that are full. */
function suspendingOption(value = false) {
  if (typeof value !== 'boolean') {
    throw invalidType('options.suspending', 'a boolean', value);
  }
  if (value && WebAssembly.Suspending === undefined) {
    throw noSuspending('options.suspending');
  }
  return value;
}

/** The path of the host for a path or a `file:` URL, also as text. */
function pathOf(value) {
  return value instanceof URL || value.startsWith('file://')
    ? fileURLToPath(value)
    : value;
}

/**
 * Checks the options of all writes and fills in the defaults. `waitTimeout` becomes -1
 * for no limit.
 *
 * @param {object} options of a caller; others are ignored
 */
function writeOptions(options) {
  const {
    bufferSize = DEFAULT_BUFFER_SIZE,
    captureLimit = DEFAULT_CAPTURE_LIMIT,
  } = options;
  checkInteger(bufferSize, 'options.bufferSize', 1, MAX_BUFFER_SIZE);
  checkInteger(captureLimit, 'options.captureLimit', 0, MAX_LENGTH);
  if (options.maxOpenFiles !== undefined) {
    checkInteger(
      options.maxOpenFiles,
      'options.maxOpenFiles',
      0,
      MAX_OPEN_FILES,
    );
  }
  return {
    waitTimeout: waitTimeoutOption(options.waitTimeout),
    buffered: bufferedOption(options.buffered),
    bufferSize,
    captureLimit,
  };
}

module.exports = {
  GUEST_OPTIONS,
  WRITE_OPTIONS,
  pathOf,
  pick,
  readOptions,
  suspendingOption,
  writeOptions,
};
