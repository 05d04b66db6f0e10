'use strict';

// Which engine does the writes: the addon, or node:fs where there is no addon.
//
// An engine holds the descriptor table of one guest and writes for it:
//
//   fd_write, fd_pwrite   the imports; a call on an fd that is not in the table
//                         goes to the `unmapped` function
//   setMemory(memory)     a WebAssembly.Memory, or undefined
//   map(fd, hostFd, flags)   adds an entry; returns an errno
//   unmap(fd), move(from, to), setFlags(fd, flags)
//   inspect(fd)           { append, nonblock } of the host descriptor of an
//                         entry; false in the fallback
//   kind(fd)              { file, flags } of an entry, or undefined
//   setStaging(view)      a Uint8Array over memory that never moves
//   drain(fd, start, length, offset)   writes that part of the staging memory,
//                         at `offset` or where the file stands; returns
//                         { errno, done }, `done` bytes out also on an error
//   stats()               { calls, bytes } that were written
//   adopt, nextHostFd     native only: see lib/native.js
//   close()               releases what is held; every fd is unmapped after it

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

/**
 * @param {number} waitTimeout milliseconds on a full stream, -1 for no limit
 * @param {Function} unmapped `(fd, iovs, iovsLen, nwritten, offset)`: a write
 *   whose fd is not in the table; `offset` only for fd_pwrite
 */
function createEngine(waitTimeout, unmapped) {
  if (addon === undefined) {
    const { createFallbackEngine } = require('./fallback');
    return createFallbackEngine(waitTimeout, unmapped);
  }
  const { createNativeEngine } = require('./native');
  return createNativeEngine(addon, waitTimeout, unmapped);
}

module.exports = { addon, createEngine, engine };
