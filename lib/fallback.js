'use strict';

// The engine without native code: node:fs does the system calls.
//
// It gives what src/write.c gives, but for what node:fs has no call for:
// - it sleeps between tries on a full pipe, where C polls;
// - an fd_pwrite on an append-mode file appends on Linux (no RWF_NOAPPEND);
// - a descriptor that the host left blocking blocks, whatever the guest or
//   `waitTimeout` asked for;
// - an fd_pwrite from 2^53 on is FBIG, since offsets are doubles;
// - files that the guest opens are left to Node: no fcntl to adopt them with.

const fs = require('node:fs');
const { errnoOf, writeUntil } = require('./fs-writer');
const { EMPTY, GuestMemory, createList } = require('./memory');
const { ENTRY, ERRNO, areNumbers } = require('./preview1');

const { MAY_WRITE, MAY_SEEK, NONBLOCK, READ_ONLY } = ENTRY;

// As in src/ciovec.h.
const IOV_MAX = 1024;
const WRITE_MAX = 0x7ffff000;

// node:fs takes a double, and writes where the file stands if it is not exact.
const MAX_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);

// Lists up to this size are copied together: one buffer costs node:fs less than
// several.
const GATHER_MAX = 65536;

/** `'file'`, `'socket'` or `'stream'`; a closed descriptor is a stream. */
function kindOf(hostFd) {
  try {
    const stat = fs.fstatSync(hostFd);
    if (stat.isFile() || stat.isBlockDevice()) return 'file';
    return stat.isSocket() ? 'socket' : 'stream';
  } catch {
    return 'stream';
  }
}

// Writing no bytes does nothing, but for this, and on a socket, where it can send
// an empty packet. A device may well refuse: /dev/full does.
function isBad(hostFd) {
  try {
    fs.writeSync(hostFd, EMPTY);
    return false;
  } catch (error) {
    return errnoOf(error) === ERRNO.BADF;
  }
}

/** The same interface as lib/native.js, without `adopt`. See lib/engine.js. */
function createFallbackEngine(waitTimeout, unmapped) {
  const entries = new Map();
  const memory = new GuestMemory();
  const list = createList();
  const { pointers, lengths } = list;
  let scratch;
  let staging;
  const stats = { calls: 0, bytes: 0 };

  // One system call for what follows the first `done` bytes of the list, at
  // `position` or where the file stands. Returns how many bytes it took.
  function writeOnce(hostFd, done, position) {
    let first = 0;
    let skip = done;
    while (skip >= lengths[first]) skip -= lengths[first++];
    if (first === list.count - 1) {
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

    for (let i = first; i < list.count && bytes < WRITE_MAX; i++) {
      const pointer = pointers[i] + skip;
      const length = Math.min(lengths[i] - skip, WRITE_MAX - bytes);
      skip = 0;
      if (length <= GATHER_MAX - used) {
        memory.copy(pointer, length, scratch, used);
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

  // An error after the first byte is left for the next call to find. With
  // NONBLOCK the first short count is the last.
  function writeStream({ hostFd, flags }, total) {
    const once = (flags & NONBLOCK) !== 0;
    const { errno, done } = writeUntil(
      once ? 1 : total,
      once ? 0 : waitTimeout,
      (from) => writeOnce(hostFd, from, null),
    );
    return done > 0 ? { errno: ERRNO.SUCCESS, done } : { errno, done };
  }

  function writeFile({ hostFd }, position) {
    return writeUntil(1, 0, () => writeOnce(hostFd, 0, position));
  }

  // No bytes: only whether the descriptor is one that can be written.
  function writeNothing({ hostFd, kind }) {
    const bad = kind !== 'socket' && isBad(hostFd);
    return { errno: bad ? ERRNO.BADF : ERRNO.SUCCESS, done: 0 };
  }

  function write(entry, total, offset) {
    try {
      if (total === 0) return writeNothing(entry);
      if (offset !== undefined) return writeFile(entry, Number(offset));
      return entry.kind === 'file'
        ? writeFile(entry, null)
        : writeStream(entry, total);
    } catch (error) {
      return { errno: errnoOf(error), done: 0 };
    }
  }

  function checkedWrite(entry, iovs, iovsLen, nwritten, offset) {
    const rights = offset === undefined ? MAY_WRITE : MAY_WRITE | MAY_SEEK;
    if ((entry.flags & rights) !== rights) return ERRNO.NOTCAPABLE;
    const errno = memory.readList(iovs, iovsLen, nwritten, list);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (offset !== undefined) {
      if (offset < 0n) return ERRNO.INVAL; // 2^63 and above, seen as i64
      if (offset > MAX_OFFSET) return ERRNO.FBIG;
    }
    const result = write(entry, list.total, offset);
    if (result.errno === ERRNO.SUCCESS) {
      memory.setU32(nwritten, result.done);
      stats.calls++;
      stats.bytes += result.done;
    }
    return result.errno;
  }

  return {
    fd_write(fd, iovs, iovsLen, nwritten) {
      if (!areNumbers(fd, iovs, iovsLen, nwritten)) return ERRNO.INVAL;
      const entry = entries.get(fd >>> 0);
      return entry === undefined
        ? unmapped(fd, iovs, iovsLen, nwritten)
        : checkedWrite(entry, iovs, iovsLen, nwritten);
    },

    fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
      if (
        !areNumbers(fd, iovs, iovsLen, nwritten) ||
        typeof offset !== 'bigint'
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
      const kind = kindOf(hostFd);
      if (kind !== 'socket' && isBad(hostFd)) flags |= READ_ONLY;
      entries.set(fd, { hostFd, flags, kind });
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
      if (entry === undefined) return;
      entry.flags = (entry.flags & READ_ONLY) | (flags & ~READ_ONLY);
    },

    inspect: () => ({ append: false, nonblock: false }),

    kind(fd) {
      const entry = entries.get(fd);
      return entry && { file: entry.kind === 'file', flags: entry.flags };
    },

    setStaging(value) {
      staging = value;
    },

    drain(fd, start, length, offset) {
      const { hostFd } = entries.get(fd);
      if (offset !== undefined && offset + BigInt(length) > MAX_OFFSET) {
        return { errno: ERRNO.FBIG, done: 0 };
      }
      return writeUntil(length, waitTimeout, (done) =>
        fs.writeSync(
          hostFd,
          staging,
          start + done,
          length - done,
          offset === undefined ? null : Number(offset) + done,
        ),
      );
    },

    stats: () => stats,

    close: () => entries.clear(),
  };
}

module.exports = { createFallbackEngine };
