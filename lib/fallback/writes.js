'use strict';

// Writes to host descriptors with node:fs, like src/preview1/fd_write.c except:
// - on a full pipe this sleeps between tries, where C polls;
// - an fd_pwrite on an append-mode file appends on Linux (no RWF_NOAPPEND);
// - a descriptor that the host left blocking blocks, whatever the guest or
//   `waitTimeout` says;
// - an fd_pwrite at 2^53 or beyond is FBIG, since offsets are doubles.

const fs = require('node:fs');
const { canSeek } = require('./fds');
const { errnoOf, writeUntil } = require('../fs-writer');
const { EMPTY, createList } = require('../memory');
const { ERRNO, FDFLAGS, RIGHTS } = require('../preview1');

// The same as in src/iovec.h.
const IOV_MAX = 1024;
const WRITE_MAX = 0x7ffff000;

// node:fs writes at the file's position if the offset is not a safe integer.
const MAX_OFFSET = BigInt(Number.MAX_SAFE_INTEGER);

// Up to this size buffers are copied together: node:fs is faster with one buffer
// than with several.
const GATHER_MAX = 65536;

function kindOf(hostFd) {
  const stat = fs.fstatSync(hostFd);
  if (stat.isFile() || stat.isBlockDevice()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSocket()) return 'socket';
  if (!stat.isCharacterDevice()) return 'pipe';
  return require('node:tty').isatty(hostFd) ? 'terminal' : 'device';
}

// A write of no bytes can reach the reader of a socket, as an empty packet, and of a
// pipe of Windows, as the end of the file.
const isSilent = (kind) =>
  kind === 'pipe' ? process.platform !== 'win32' : kind !== 'socket';

// Whether a write of no bytes finds the descriptor closed or read-only. Other errors
// do not count: /dev/full, for one, refuses to write.
function isBad({ hostFd, kind }) {
  if (!isSilent(kind)) return false;
  try {
    fs.writeSync(hostFd, EMPTY);
    return false;
  } catch (error) {
    return errnoOf(error) === ERRNO.BADF;
  }
}

/**
 * Determines the kind of a stream, and whether it is open for writing.
 *
 * @param {import('./fds').Entry} entry
 * @returns {number} BADF if the host has closed it
 */
function learnStream(entry) {
  if (entry.kind !== undefined) return ERRNO.SUCCESS;
  const { hostFd } = entry;
  let kind;
  try {
    kind = kindOf(hostFd);
  } catch {
    return ERRNO.BADF;
  }
  entry.kind = kind;
  entry.writable = !isBad(entry);
  return ERRNO.SUCCESS;
}

/**
 * The checks that come before all pointers.
 *
 * @param {import('./fds').Entry} entry
 * @param {boolean} positioned
 */
function checkWritable({ rights, writable }, positioned) {
  if (!writable) return ERRNO.BADF;
  const needed = positioned
    ? RIGHTS.FD_WRITE | RIGHTS.FD_SEEK
    : RIGHTS.FD_WRITE;
  return (rights & needed) === needed ? ERRNO.SUCCESS : ERRNO.NOTCAPABLE;
}

class StreamWriter {
  #list = createList();
  #memory;
  #scratch;
  #stats;
  #waitTimeout;

  /**
   * @param {number} waitTimeout milliseconds on a full stream, -1 for no limit
   * @param {import('../memory').GuestMemory} memory
   * @param {{ calls: number, bytes: number }} stats counted up
   */
  constructor(waitTimeout, memory, stats) {
    this.#waitTimeout = waitTimeout;
    this.#memory = memory;
    this.#stats = stats;
  }

  /**
   * fd_write, or fd_pwrite if there is an offset.
   *
   * @param {import('./fds').Entry} entry of a stream
   */
  write(entry, iovs, iovsLen, nwritten, offset) {
    const positioned = offset !== undefined;
    let errno = learnStream(entry);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (positioned && !canSeek(entry)) return ERRNO.SPIPE;
    errno = checkWritable(entry, positioned);
    if (errno !== ERRNO.SUCCESS) return errno;
    const list = this.#list;
    errno = this.#memory.readList(iovs, iovsLen, nwritten, list);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (positioned) {
      offset = BigInt.asIntN(64, offset);
      if (offset < 0n) return ERRNO.INVAL;
      if (offset > MAX_OFFSET) return ERRNO.FBIG;
    }
    const result = this.#writeList(entry, offset);
    if (result.errno === ERRNO.SUCCESS) {
      this.#memory.setU32(nwritten, result.done);
      this.#stats.calls++;
      this.#stats.bytes += result.done;
    }
    return result.errno;
  }

  #writeList(entry, offset) {
    if (this.#list.total === 0) return this.#writeNothing(entry);
    if (offset !== undefined) return this.#writeFile(entry, Number(offset));
    return entry.kind === 'file'
      ? this.#writeFile(entry, null)
      : this.#writeStream(entry);
  }

  // Only checks that the descriptor is open.
  #writeNothing(entry) {
    return { errno: isBad(entry) ? ERRNO.BADF : ERRNO.SUCCESS, done: 0 };
  }

  #writeFile({ hostFd }, position) {
    return writeUntil(1, 0, () => this.#writeOnce(hostFd, 0, position));
  }

  // An error after the first byte is left to the next call. With NONBLOCK the call
  // ends with the first write.
  #writeStream({ hostFd, fdflags }) {
    const once = (fdflags & FDFLAGS.NONBLOCK) !== 0;
    const { errno, done } = writeUntil(
      once ? 1 : this.#list.total,
      once ? 0 : this.#waitTimeout,
      (from) => this.#writeOnce(hostFd, from, null),
    );
    return done > 0 ? { errno: ERRNO.SUCCESS, done } : { errno, done };
  }

  // Makes one system call for the bytes after the first `done` of the list. Returns
  // how many it wrote.
  #writeOnce(hostFd, done, position) {
    const { count, lengths, pointers } = this.#list;
    let first = 0;
    let skip = done;
    while (skip >= lengths[first]) skip -= lengths[first++];
    if (first < count - 1) {
      return this.#gatherOnce(hostFd, first, skip, position);
    }
    return fs.writeSync(
      hostFd,
      this.#memory.view,
      pointers[first] + skip,
      Math.min(lengths[first] - skip, WRITE_MAX),
      position,
    );
  }

  // Copies buffers together while the scratch buffer has room. Others are passed as
  // they are.
  #gatherOnce(hostFd, first, skip, position) {
    const { count, lengths, pointers } = this.#list;
    const memory = this.#memory;
    const chunks = [];
    let bytes = 0;
    let used = 0;
    let from = 0;
    this.#scratch ??= new Uint8Array(GATHER_MAX);
    const scratch = this.#scratch;

    for (let i = first; i < count && bytes < WRITE_MAX; i++) {
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
}

module.exports = { StreamWriter, checkWritable, learnStream };
