'use strict';

// fd_write and fd_pwrite alone, for any import object.

const { createEngine } = require('./engine');
const {
  checkInteger,
  checkKnownOptions,
  checkObject,
  invalidType,
  invalidValue,
  waitTimeoutOption,
} = require('./errors');
const { isMemory } = require('./memory');
const { ENTRY, ERRNO, GUEST_FD_LIMIT } = require('./wasi-abi');

const OPTIONS = ['fds', 'memory', 'fallback', 'waitTimeout'];
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
  if (fds instanceof Map) return [...fds];
  checkObject(fds, 'options.fds');
  return Object.entries(fds).map(([key, target]) => {
    if (!/^(0|[1-9]\d*)$/.test(key)) {
      throw invalidValue('A key of options.fds', 'must be a guest fd', key);
    }
    return [Number(key), target];
  });
}

// Every function of another WASI's import object, called as its method.
function methodsOf(fallback) {
  const methods = {};
  if (fallback === undefined) return methods;
  for (const name in fallback) {
    if (typeof fallback[name] === 'function') {
      methods[name] = (...values) => fallback[name](...values);
    }
  }
  return methods;
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

  const engine = createEngine(waitTimeoutOption(options.waitTimeout), unmapped);

  function unmapped(fd, iovs, iovsLen, nwritten, offset) {
    if (offset === undefined) {
      return fallback?.fd_write?.(fd, iovs, iovsLen, nwritten) ?? ERRNO.BADF;
    }
    return (
      fallback?.fd_pwrite?.(fd, iovs, iovsLen, offset, nwritten) ?? ERRNO.BADF
    );
  }

  const { fd_write, fd_pwrite } = engine;
  const writes = {
    fd_write,
    fd_pwrite,
    wasiImport: { ...methodsOf(fallback), fd_write, fd_pwrite },

    setMemory(value) {
      checkMemory(value, 'memory');
      engine.setMemory(value);
    },

    map(fd, target) {
      checkGuestFd(fd, 'fd');
      checkInteger(target, 'target', 0, MAX_HOST_FD);
      engine.map(fd, target, ENTRY.MAY_WRITE | ENTRY.MAY_SEEK);
    },

    unmap(fd) {
      checkGuestFd(fd, 'fd');
      engine.unmap(fd);
    },

    flush() {},

    close() {
      engine.close();
    },
  };

  for (const [fd, target] of pairs) {
    checkGuestFd(fd, 'A key of options.fds');
    checkInteger(target, `options.fds[${fd}]`, 0, MAX_HOST_FD);
    writes.map(fd, target);
  }
  if (memory !== undefined) engine.setMemory(memory);
  return writes;
}

module.exports = { createWrites };
