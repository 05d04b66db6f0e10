'use strict';

// Only fd_write and fd_pwrite, for any import object.

const { types } = require('node:util');
const {
  checkInteger,
  checkKnownOptions,
  checkObject,
  invalidType,
  invalidValue,
} = require('./errors');
const { createWritesHost } = require('./engine');
const { isMemory } = require('./memory');
const { WRITE_OPTIONS, writeOptions } = require('./options');
const { Output } = require('./output');
const { TargetList, checkTarget } = require('./targets');
const { ERRNO, GUEST_FD_LIMIT, flushOf } = require('./preview1');

const OPTIONS = ['fds', 'memory', 'fallback', ...WRITE_OPTIONS];
const MAX_HOST_FD = 2 ** 31 - 1;

function checkGuestFd(fd, name) {
  checkInteger(fd, name, 0, GUEST_FD_LIMIT - 1);
}

function checkMemory(memory, name) {
  if (!isMemory(memory))
    throw invalidType(name, 'a WebAssembly.Memory', memory);
}

/** `fds` as pairs of guest fd and target. */
function pairsOf(fds) {
  if (types.isMap(fds)) return [...fds]; // a Map of any realm
  checkObject(fds, 'options.fds');
  return Object.entries(fds).map(([key, target]) => {
    if (!/^(0|[1-9]\d*)$/.test(key)) {
      throw invalidValue('A key of options.fds', 'must be a guest fd', key);
    }
    return [Number(key), target];
  });
}

/** The names of all members, including those of classes. */
function namesOf(object) {
  const names = new Set();
  for (
    let part = object;
    part !== null && part !== Object.prototype;
    part = Object.getPrototypeOf(part)
  ) {
    for (const name of Object.getOwnPropertyNames(part)) names.add(name);
  }
  names.delete('constructor');
  return names;
}

// Every function of another WASI's import object, called as a method of it.
function methodsOf(fallback = {}) {
  const methods = {};
  for (const name of namesOf(fallback)) {
    if (typeof fallback[name] !== 'function') continue;
    methods[name] = (...values) => fallback[name](...values);
  }
  return methods;
}

/** Flushes before each call that could see the buffered bytes. */
function flushing(methods, output) {
  const flush = {
    none: (call) => call,
    all:
      (call) =>
      (...values) =>
        output.before() || call(...values),
    fd:
      (call) =>
      (fd, ...rest) =>
        output.before(fd) || call(fd, ...rest),
    both: (call) => (from, to) =>
      output.before(from) || output.before(to) || call(from, to),
  };
  return Object.fromEntries(
    Object.entries(methods).map(([name, call]) => [
      name,
      name === 'fd_close' ? flush.fd(call) : flush[flushOf(name)](call),
    ]),
  );
}

/**
 * See `createWrites` in lib/index.d.ts.
 *
 * @param {object} options
 */
function createWrites(options = {}) {
  checkObject(options, 'options');
  checkKnownOptions(options, OPTIONS);
  const { fds = {}, memory, fallback } = options;
  const pairs = pairsOf(fds);
  if (memory !== undefined) checkMemory(memory, 'options.memory');
  if (fallback !== undefined) checkObject(fallback, 'options.fallback');
  const checked = writeOptions(options);

  function next(fd, iovs, iovsLen, nwritten, offset) {
    if (offset === undefined) {
      return fallback?.fd_write?.(fd, iovs, iovsLen, nwritten) ?? ERRNO.BADF;
    }
    return (
      fallback?.fd_pwrite?.(fd, iovs, iovsLen, offset, nwritten) ?? ERRNO.BADF
    );
  }

  // Whether there are captures decides whether writes are buffered.
  const targets = new TargetList(checked);
  const captures = pairs.some(([, target]) => target === 'capture');
  const output = new Output(checked, targets, {
    createHost: createWritesHost,
    captures,
    next: fallback === undefined ? undefined : next,
  });
  const { fd_write, fd_pwrite } = output;

  function map(fd, target, name) {
    checkGuestFd(fd, 'fd');
    if (typeof target === 'number') checkInteger(target, name, 0, MAX_HOST_FD);
    else checkTarget(target, name);
    output.insert(fd, targets.streamOf(target));
  }

  const others = flushing(methodsOf(fallback), output);
  const writes = {
    fd_write,
    fd_pwrite,
    wasiImport: { ...others, fd_write, fd_pwrite },

    setMemory(value) {
      checkMemory(value, 'memory');
      output.setMemory(value);
    },

    map(fd, target) {
      output.flush();
      map(fd, target, 'target');
    },

    unmap(fd) {
      checkGuestFd(fd, 'fd');
      output.flush();
      output.remove(fd);
    },

    captured(fd) {
      checkGuestFd(fd, 'fd');
      return output.capturedBy(fd);
    },

    flush() {
      output.flush();
    },

    discard() {
      return output.discard();
    },

    close() {
      output.close();
    },
  };

  for (const [fd, target] of pairs) map(fd, target, `options.fds[${fd}]`);
  if (memory !== undefined) output.setMemory(memory);
  return writes;
}

module.exports = { createWrites };
