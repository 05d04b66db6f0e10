'use strict';

// The native engine: the JS side of src/binding.c.

const { ERRNO, areNumbers } = require('./preview1');
const { EMPTY, viewOf } = require('./memory');

// The mailbox and its operations: src/binding.c has the same lists.
const OP = 0;
const RESULT = 1;
const FD = 2;
const A = 3;
const B = 4;
const C = 5;
// These in words of 64 bits.
const OFFSET = 3;
const CALLS = 4;
const BYTES = 5;

const FD_WRITE = 0;
const FD_PWRITE = 1;
const MAP = 2;
const UNMAP = 3;
const MOVE = 4;
const SET_FLAGS = 5;
const INSPECT = 6;
const LOWEST_FREE = 7;
const SEARCH_BEGIN = 8;
const SEARCH_SETTLE_MOVED = 9;
const SEARCH_KEEP_NONBLOCK = 10;
const SEARCH_COPY = 11;
const SEARCH_ADOPT = 12;
const SEARCH_END = 13;
const SET_MEMORY = 14;
const KIND = 15;
const SET_STAGING = 16;
const DRAIN = 17;
const PDRAIN = 18;
const STATS = 19;
const RELEASE = 20;

const NOT_MAPPED = 0xffff;

// What KIND answers in its low byte: wv_kind in src/fd_table.h.
const FILE = 1;

// What INSPECT answers: INSPECT_* in src/binding.c.
const IS_NONBLOCK = 1 << 1;
const IS_APPEND = 1 << 2;

// How far a guest fd is moved for the proof of its descriptor: at random, so that
// nothing else that moves at the same time is taken for it. Some file systems
// have no files that long.
const DISTANCES = [2 ** 40, 2 ** 31];

// Where there is no offset to move: how often NONBLOCK is set at random.
const NONBLOCK_ROUNDS = 40;

/**
 * The state of one guest behind src/binding.c. See lib/engine.js for what an
 * engine is.
 *
 * @param {object} binding the addon
 * @param {number} waitTimeout milliseconds, -1 for no limit
 * @param {Function} unmapped called with a write whose fd is not in the table
 */
function createNativeEngine(binding, waitTimeout, unmapped) {
  const call = binding.create(waitTimeout);
  const box = new Int32Array(call.box);
  const box64 = new BigInt64Array(call.box);
  let memory;
  let view = EMPTY;
  let staging; // keeps what the native side points to
  let size = 0;

  // True when there is more memory than the native side knew of.
  function refresh() {
    view = viewOf(memory);
    const grown = view.byteLength !== size;
    size = view.byteLength;
    box[OP] = SET_MEMORY;
    call(view);
    return grown;
  }

  function control(op, fd, a, b) {
    box[OP] = op;
    box[FD] = fd;
    box[A] = a;
    box[B] = b;
    call();
    return box[RESULT];
  }

  // The two hot functions. A buffer that is detached because its memory grew
  // has no bytes. A shared memory, and one with a resizable buffer, grows in
  // place: there a FAULT is believed only after a second look.
  function fd_write(fd, iovs, iovsLen, nwritten) {
    if (!areNumbers(fd, iovs, iovsLen, nwritten)) return ERRNO.INVAL;
    if (view.byteLength === 0) refresh();
    box[OP] = FD_WRITE;
    box[FD] = fd;
    box[A] = iovs;
    box[B] = iovsLen;
    box[C] = nwritten;
    call();
    const errno = box[RESULT];
    if (errno === ERRNO.SUCCESS) return errno;
    if (errno === NOT_MAPPED) return unmapped(fd, iovs, iovsLen, nwritten);
    if (errno === ERRNO.FAULT && refresh()) {
      return fd_write(fd, iovs, iovsLen, nwritten);
    }
    return errno;
  }

  function fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
    if (
      !areNumbers(fd, iovs, iovsLen, nwritten) ||
      typeof offset !== 'bigint'
    ) {
      return ERRNO.INVAL;
    }
    if (view.byteLength === 0) refresh();
    box[OP] = FD_PWRITE;
    box[FD] = fd;
    box[A] = iovs;
    box[B] = iovsLen;
    box[C] = nwritten;
    box64[OFFSET] = offset;
    call();
    const errno = box[RESULT];
    if (errno === ERRNO.SUCCESS) return errno;
    if (errno === NOT_MAPPED) {
      return unmapped(fd, iovs, iovsLen, nwritten, offset);
    }
    if (errno === ERRNO.FAULT && refresh()) {
      return fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
    }
    return errno;
  }

  // Whether there is a candidate that follows the guest fd; undefined where that
  // cannot be moved.
  function proveByOffset(hint, file) {
    if (control(SEARCH_BEGIN, 0, hint, 0) === 0) return false;
    for (const range of DISTANCES) {
      const distance = BigInt(Math.floor(Math.random() * range) + 1);
      if (!file.move(distance)) continue;
      box64[OFFSET] = distance;
      if (control(SEARCH_SETTLE_MOVED, 0, 0, 0) !== 0) return true;
      file.move(-distance);
      return false;
    }
    return undefined;
  }

  function proveByNonblock(hint, file) {
    let left = control(SEARCH_BEGIN, 0, hint, 0);
    for (let round = 0; round < NONBLOCK_ROUNDS && left > 0; round++) {
      // The last rounds on a copy, and the very last as the guest has it.
      if (round === NONBLOCK_ROUNDS / 2) control(SEARCH_COPY, 0, 0, 0);
      const last = round === NONBLOCK_ROUNDS - 1;
      const nonblock = last ? file.nonblock : Math.random() < 0.5;
      if (!file.setNonblock(nonblock)) return false;
      left = control(SEARCH_KEEP_NONBLOCK, 0, 0, nonblock ? 1 : 0);
    }
    if (left === 0) file.setNonblock(file.nonblock);
    return left > 0;
  }

  // How the search found it. The hint first: to list all descriptors takes time.
  function prove(hint, file) {
    for (const method of [proveByOffset, proveByNonblock]) {
      if (hint >= 0) {
        const proven = method(hint, file);
        if (proven) return method;
        if (proven === undefined) continue;
      }
      if (method(-1, file)) return method;
    }
    return undefined;
  }

  return {
    fd_write,
    fd_pwrite,

    setMemory(value) {
      memory = value;
      refresh();
    },

    map: (fd, hostFd, flags) => control(MAP, fd, hostFd, flags),
    unmap: (fd) => control(UNMAP, fd, 0, 0),
    move: (from, to) => control(MOVE, from, to, 0),
    setFlags: (fd, flags) => control(SET_FLAGS, fd, 0, flags),

    inspect(fd) {
      const answer = control(INSPECT, fd, 0, 0);
      return {
        append: (answer & IS_APPEND) !== 0,
        nonblock: (answer & IS_NONBLOCK) !== 0,
      };
    },

    kind(fd) {
      const answer = control(KIND, fd, 0, 0);
      if (answer === 0) return undefined;
      return { file: (answer & 0xff) === FILE, flags: answer >>> 8 };
    },

    setStaging(value) {
      staging = value;
      box[OP] = SET_STAGING;
      call(staging);
    },

    drain(fd, start, length, offset) {
      if (offset !== undefined) box64[OFFSET] = offset;
      const op = offset === undefined ? DRAIN : PDRAIN;
      const errno = control(op, fd, start, length);
      return { errno, done: box[A] >>> 0 };
    },

    /** The host descriptor that the next open is likely to get. */
    nextHostFd: () => control(LOWEST_FREE, 0, 0, 0),

    /**
     * Finds the host descriptor behind a guest fd of another WASI host, and
     * maps a copy of it.
     *
     * @param {number} fd guest fd
     * @param {number} hint what `nextHostFd` said before the file was opened
     * @param {object} file what the other host can do with it
     * @param {(distance: bigint) => boolean} file.move moves its offset, and says
     *   whether that worked
     * @param {(nonblock: boolean) => boolean} file.setNonblock
     * @param {boolean} file.nonblock how the flag stands
     * @param {number} flags of the entry
     * @returns {boolean} whether there was proof
     */
    adopt(fd, hint, file, flags) {
      const proof = prove(hint, file);
      if (proof === undefined) {
        control(SEARCH_END, 0, 0, 0);
        return false;
      }
      const hasOffset = proof === proveByOffset ? 1 : 0;
      return control(SEARCH_ADOPT, fd, hasOffset, flags) === ERRNO.SUCCESS;
    },

    stats() {
      control(STATS, 0, 0, 0);
      return { calls: Number(box64[CALLS]), bytes: Number(box64[BYTES]) };
    },

    close: () => control(RELEASE, 0, 0, 0),
  };
}

module.exports = { createNativeEngine };
