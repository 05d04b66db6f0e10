'use strict';

// Which engine makes the calls: the addon, or node:wasi and node:fs where no addon
// loads.
//
// An engine makes hosts. A host has the descriptors of one guest:
//
//   imports              the calls of preview1 but proc_exit; each throws before
//                        there is a memory. Of createWritesHost only fd_write and
//                        fd_pwrite count, which then answer FAULT
//   setMemory(memory)    a WebAssembly.Memory, or undefined
//   insert(fd, stream)   { hostFd } or { target }; one that stands there goes
//   remove(fd)
//   describe(fd)         undefined, or { file, target, mayWrite, maySeek, nonblock }
//   setBuffer(view)      a Uint8Array that never moves
//   writeBuffered(fd, start, length, offset)   writes that part of it, at `offset`
//                        or where the file stands: { errno, done }, `done` bytes
//                        being out also on an error
//   stats()              { calls, bytes } that were written
//   close()              closes what was opened for the guest; no fd is open then
//
// A write to a target comes back by `deliver(target, iovs, iovsLen, nwritten)`.

const { loadAddon } = require('./addon');

function choose() {
  const wanted = process.env.WASI_WRITEV_ENGINE;
  if (
    wanted !== undefined &&
    wanted !== '' &&
    wanted !== 'native' &&
    wanted !== 'fallback'
  ) {
    const { invalidValue } = require('./errors'); // most processes need none
    throw invalidValue(
      'The environment variable WASI_WRITEV_ENGINE',
      'must be native or fallback',
      wanted,
    );
  }
  if (wanted === 'fallback') return undefined;
  try {
    return loadAddon();
  } catch (error) {
    if (wanted === 'native') throw error;
    const { cause } = error;
    process.emitWarning(
      `${error.message}. Writes go through node:fs until then.`,
      {
        code: 'WASI_WRITEV_NO_NATIVE',
        // Why a file that is there does not load.
        ...(cause.code !== 'MODULE_NOT_FOUND' && { detail: cause.message }),
      },
    );
    return undefined;
  }
}

const addon = choose();

/** `'native'` or `'fallback'`. */
const engine = addon === undefined ? 'fallback' : 'native';

const hosts = () =>
  addon === undefined
    ? require('./fallback/host')
    : require('./native/host').bind(addon);

/**
 * @param {object} options `waitTimeout` in milliseconds, -1 for no limit;
 *   `maxOpenFiles`; `version`, `args`, `env` (strings), `preopens` (pairs of the
 *   guest's name and the host's path), `streams` (three)
 * @param {Function} deliver
 */
function createGuestHost(options, deliver) {
  return hosts().createGuestHost(options, deliver);
}

/** The two calls alone, and no descriptor yet. */
function createWritesHost(options, deliver) {
  return hosts().createWritesHost(options, deliver);
}

module.exports = { createGuestHost, createWritesHost, engine };
