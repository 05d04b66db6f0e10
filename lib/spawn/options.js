'use strict';

// The options of `spawn` and `run`.

const path = require('node:path');
const {
  checkInteger,
  invalidType,
  invalidValue,
  isObject,
} = require('../errors');
const {
  GUEST_OPTIONS,
  WRITE_OPTIONS,
  pathOf,
  pick,
  writeOptions,
} = require('../options');
const { checkPermission, stringsOf } = require('../guest');
const { RUN_OPTIONS, checkRunOptions } = require('../run');
const { planInput, planOutput } = require('./streams');

const MAX_DELAY = 2 ** 31 - 1; // of a timer
const { MAX_LENGTH } = require('node:buffer').constants;
const FORCE_KILL_AFTER = 100; // milliseconds

const ENDING_OPTIONS = [
  'signal',
  'timeout',
  'maxBuffer',
  'forceKillAfterDelay',
];

const OPTIONS = [
  ...RUN_OPTIONS.filter((name) => name !== 'imports'),
  ...ENDING_OPTIONS,
];

const isSignal = (value) =>
  isObject(value) &&
  typeof value.aborted === 'boolean' &&
  typeof value.addEventListener === 'function';

function checkEnding({ signal, timeout, maxBuffer, forceKillAfterDelay }) {
  if (signal !== undefined && !isSignal(signal)) {
    throw invalidType('options.signal', 'an AbortSignal', signal);
  }
  const check = (value, name, max) => {
    if (value !== undefined) checkInteger(value, `options.${name}`, 0, max);
  };
  check(timeout, 'timeout', MAX_DELAY);
  check(maxBuffer, 'maxBuffer', MAX_LENGTH);
  check(forceKillAfterDelay, 'forceKillAfterDelay', MAX_DELAY);
}

// What a message can carry, as it is now: a thread takes it later.
function messageOf(options) {
  const { args, argv0, env, preopens } = options;
  const mapped = (object, map) =>
    isObject(object)
      ? Object.fromEntries(
          Object.entries(object).map(([name, value]) => [name, map(value)]),
        )
      : object;
  return {
    ...pick(options, [...WRITE_OPTIONS, ...GUEST_OPTIONS]),
    args: args.map(String),
    argv0,
    env: mapped(env, (value) => (value === undefined ? value : String(value))),
    preopens: mapped(preopens, (value) => path.resolve(pathOf(String(value)))),
  };
}

/**
 * Checks the options of a caller, and takes what there is now.
 *
 * @param {object} given
 * @param {object} defaults of the standard streams
 */
function spawnOptions(given, defaults) {
  checkPermission(); // a thread need not know of it
  const known = isObject(given) ? given : {};
  if (known.imports !== undefined) {
    throw invalidValue(
      'options.imports',
      'cannot be given to another thread; runSync() takes it',
      known.imports,
    );
  }
  const options = checkRunOptions(given, OPTIONS);
  checkEnding(options);
  const guest = messageOf(options);
  stringsOf(guest);
  const {
    stdin = defaults.stdin,
    stdout = defaults.stdout,
    stderr = defaults.stderr,
    forceKillAfterDelay = FORCE_KILL_AFTER,
  } = options;
  return {
    captureLimit: writeOptions(options).captureLimit,
    encoding: options.encoding,
    forceKillAfterDelay,
    guest,
    maxBuffer: options.maxBuffer,
    options,
    plans: [planInput(stdin), planOutput(stdout, 1), planOutput(stderr, 2)],
    signal: options.signal,
    timeout: options.timeout,
  };
}

module.exports = { spawnOptions };
