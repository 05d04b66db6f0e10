'use strict';

// The engine without native code: node:fs does the system calls.
//
// It gives what src/write.c gives, but for three things that node:fs has no call
// for: it sleeps between tries on a full pipe where C polls, an fd_pwrite on an
// append-mode file appends on Linux (RWF_NOAPPEND), and a descriptor that the
// host left blocking blocks, whatever the guest or `waitTimeout` asked for.

const fs = require('node:fs');
const os = require('node:os');
const { ENTRY, ERRNO } = require('./wasi-abi');
const { EMPTY, GuestMemory } = require('./memory');

const { MAY_WRITE, MAY_SEEK, NONBLOCK } = ENTRY;

// As in src/ciovec.h.
const IOV_MAX = 1024;
const WRITE_MAX = 0x7ffff000;

// Lists up to this size are copied together: one buffer costs node:fs less than
// several.
const GATHER_MAX = 65536;

const MAX_SLEEP = 16; // milliseconds

const errnoByNumber = new Map(
  Object.entries(os.constants.errno).map(([name, number]) => [
    number,
    ERRNO[name.slice(1)] ??
      (name === 'EWOULDBLOCK'
        ? ERRNO.AGAIN
        : name === 'EOPNOTSUPP'
          ? ERRNO.NOTSUP
          : ERRNO.IO),
  ]),
);

/** The WASI errno of what node:fs threw. */
function errnoOf(error) {
  return (
    ERRNO[error.code?.slice(1)] ??
    errnoByNumber.get(Math.abs(error.errno)) ??
    ERRNO.IO
  );
}

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

function isFile(hostFd) {
  try {
    const stat = fs.fstatSync(hostFd);
    return stat.isFile() || stat.isBlockDevice();
  } catch {
    return false; // closed: each write will say so
  }
}

/** The same interface as lib/native.js, without `adopt`. See lib/engine.js. */
function createFallbackEngine(waitTimeout, unmapped) {
  const entries = new Map();
  const memory = new GuestMemory();
  const pointers = [];
  const lengths = [];
  let scratch;
  const stats = { calls: 0, bytes: 0 };

  // One system call for what follows the first `done` bytes of the list, at
  // `position` or where the file stands. Returns how many bytes it took.
  function writeOnce(hostFd, done, position) {
    let first = 0;
    let skip = done;
    while (skip >= lengths[first]) skip -= lengths[first++];
    if (first === lengths.length - 1) {
      return fs.writeSync(
        hostFd,
        memory.view,
        pointers[first] + skip,
        Math.min(lengths[first] - skip, WRITE_MAX),
        position,
      );
    }
    return gatherOnce(hostFd, first, skip, position);
  }

  // Small buffers are copied together until one is too large for the scratch
  // buffer; large ones are handed over as they are.
  function gatherOnce(hostFd, first, skip, position) {
    const chunks = [];
    let bytes = 0;
    let used = 0;
    let from = 0;
    scratch ??= new Uint8Array(GATHER_MAX);

    for (let i = first; i < lengths.length && bytes < WRITE_MAX; i++) {
      const pointer = pointers[i] + skip;
      const length = Math.min(lengths[i] - skip, WRITE_MAX - bytes);
      skip = 0;
      if (length <= GATHER_MAX - used) {
        copySmall(pointer, length, used);
        used += length;
      } else {
        if (chunks.length + 2 > IOV_MAX) break;
        if (used > from) chunks.push(scratch.subarray(from, used));
        from = used;
        chunks.push(memory.view.subarray(pointer, pointer + length));
      }
      bytes += length;
    }
    if (chunks.length === 0) {
      return fs.writeSync(hostFd, scratch, 0, used, position);
    }
    if (used > from) chunks.push(scratch.subarray(from, used));
    return fs.writevSync(hostFd, chunks, position);
  }

  // `set` pays for a view of its own; a loop is quicker for a few bytes.
  function copySmall(pointer, length, at) {
    const { view } = memory;
    if (length > 64) {
      scratch.set(view.subarray(pointer, pointer + length), at);
      return;
    }
    for (let i = 0; i < length; i++) scratch[at + i] = view[pointer + i];
  }

  function writeStream(entry, total) {
    const end = waitTimeout < 0 ? Infinity : performance.now() + waitTimeout;
    let done = 0;
    let sleep = 1;
    while (done < total) {
      try {
        const count = writeOnce(entry.hostFd, done, null);
        if (count === 0) break;
        done += count;
        sleep = 1;
        if (entry.flags & NONBLOCK) break;
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === ERRNO.INTR) continue;
        if (
          errno === ERRNO.AGAIN &&
          !(entry.flags & NONBLOCK) &&
          performance.now() < end
        ) {
          Atomics.wait(
            sleepCell,
            0,
            0,
            Math.min(sleep, end - performance.now()),
          );
          sleep = Math.min(sleep * 2, MAX_SLEEP);
          continue;
        }
        if (done === 0) throw error;
        break; // the next call finds the error
      }
    }
    return done;
  }

  function writeFile(entry, position) {
    for (;;) {
      try {
        return writeOnce(entry.hostFd, 0, position);
      } catch (error) {
        if (errnoOf(error) !== ERRNO.INTR) throw error;
      }
    }
  }

  function write(entry, total, offset) {
    if (total === 0) {
      // No bytes: only whether the descriptor is one that can be written.
      fs.writeSync(entry.hostFd, EMPTY);
      return 0;
    }
    if (offset !== undefined) return writeFile(entry, Number(offset));
    return entry.file ? writeFile(entry, null) : writeStream(entry, total);
  }

  function checkedWrite(entry, iovs, iovsLen, nwritten, offset) {
    const rights = offset === undefined ? MAY_WRITE : MAY_WRITE | MAY_SEEK;
    if ((entry.flags & rights) !== rights) return ERRNO.NOTCAPABLE;
    if (!memory.has(nwritten, 4)) return ERRNO.FAULT;
    const errno = memory.decode(iovs, iovsLen, pointers, lengths);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (offset !== undefined) {
      if (offset < 0n) return ERRNO.INVAL; // 2^63 and above, seen as i64
      // node:fs takes a double, and no file is that long.
      if (offset > Number.MAX_SAFE_INTEGER) return ERRNO.FBIG;
    }
    let total = 0;
    for (const length of lengths) total += length;
    try {
      const count = write(entry, total, offset);
      memory.setU32(nwritten, count);
      stats.calls++;
      stats.bytes += count;
      return ERRNO.SUCCESS;
    } catch (error) {
      return errnoOf(error);
    }
  }

  return {
    fd_write(fd, iovs, iovsLen, nwritten) {
      if (
        typeof fd !== 'number' ||
        typeof iovs !== 'number' ||
        typeof iovsLen !== 'number' ||
        typeof nwritten !== 'number'
      ) {
        return ERRNO.INVAL;
      }
      const entry = entries.get(fd >>> 0);
      return entry === undefined
        ? unmapped(fd, iovs, iovsLen, nwritten)
        : checkedWrite(entry, iovs, iovsLen, nwritten);
    },

    fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
      if (
        typeof fd !== 'number' ||
        typeof iovs !== 'number' ||
        typeof iovsLen !== 'number' ||
        typeof offset !== 'bigint' ||
        typeof nwritten !== 'number'
      ) {
        return ERRNO.INVAL;
      }
      const entry = entries.get(fd >>> 0);
      return entry === undefined
        ? unmapped(fd, iovs, iovsLen, nwritten, offset)
        : checkedWrite(
            entry,
            iovs,
            iovsLen,
            nwritten,
            BigInt.asIntN(64, offset),
          );
    },

    setMemory: (value) => memory.set(value),

    map(fd, hostFd, flags) {
      entries.set(fd, { hostFd, flags, file: isFile(hostFd) });
      return ERRNO.SUCCESS;
    },

    unmap: (fd) => entries.delete(fd),

    move(from, to) {
      const entry = entries.get(from);
      entries.delete(from);
      entries.delete(to);
      if (entry !== undefined) entries.set(to, entry);
    },

    setFlags(fd, flags) {
      const entry = entries.get(fd);
      if (entry !== undefined) entry.flags = flags;
    },

    inspect: (fd) => ({
      append: false,
      nonblock: false,
      file: entries.get(fd).file,
    }),

    stats: () => stats,

    close: () => entries.clear(),
  };
}

module.exports = { createFallbackEngine };
