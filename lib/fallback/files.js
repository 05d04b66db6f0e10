'use strict';

// Reads, and writes to files that the guest opened, by Node's WASI.
//
// Node copies a whole list to an array, whose size it computes in 32 bits. So lists
// are checked and cut before.

const { checkWritable } = require('./writes');
const { createList } = require('../memory');
const { ERRNO, IOVEC_SIZE } = require('../preview1');

// A longer list is cut, and gets a short count, like one above IOV_MAX in readv(2).
const LIST_MAX = 1024;

/** The kinds of files, by `filetype` of preview1. */
const KINDS = ['pipe', 'file', 'device', 'directory', 'file', 'socket', 'pipe'];

class Files {
  #list = createList();
  #memory;
  #node;
  #stats;

  /**
   * @param {import('./node-wasi').NodeCalls} node
   * @param {import('../memory').GuestMemory} memory
   * @param {{ calls: number, bytes: number }} stats counted up
   */
  constructor(node, memory, stats) {
    this.#node = node;
    this.#memory = memory;
    this.#stats = stats;
  }

  /** Determines the kind of a file that the guest opened. Returns an errno. */
  learn(entry) {
    if (entry.kind !== undefined) return ERRNO.SUCCESS;
    const { errno, filetype } = this.#node.filetype(entry.nodeFd);
    if (errno === ERRNO.SUCCESS) entry.kind = KINDS[filetype] ?? 'pipe';
    return errno;
  }

  #isOutside(element) {
    const memory = this.#memory;
    return memory.u32(element + 4) === 0 && !memory.has(memory.u32(element), 1);
  }

  // Cuts the list for Node; undefined: out of bounds. Node rejects an empty element
  // out of bounds, so the list ends before it. Empty elements at the beginning are
  // skipped, so that one that is not empty remains.
  #cut(at, length) {
    const memory = this.#memory;
    if (!memory.has(at, length * IOVEC_SIZE)) return undefined;
    while (length > 1 && memory.u32(at + 4) === 0) {
      at += IOVEC_SIZE;
      length--;
    }
    length = Math.min(length, LIST_MAX);
    for (let i = 1; i < length; i++) {
      if (this.#isOutside(at + i * IOVEC_SIZE)) length = i;
    }
    return [at, length];
  }

  /** fd_read, or fd_pread if there is an offset, of any entry of Node's. */
  read({ nodeFd }, iovs, iovsLen, nread, offset) {
    const list = this.#cut(iovs, iovsLen);
    if (list === undefined) return ERRNO.FAULT;
    return offset === undefined
      ? this.#node.call('fd_read', nodeFd, ...list, nread)
      : this.#node.call('fd_pread', nodeFd, ...list, offset, nread);
  }

  /** fd_write, or fd_pwrite if there is an offset. */
  write(entry, iovs, iovsLen, nwritten, offset) {
    const positioned = offset !== undefined;
    const memory = this.#memory;
    let errno = checkWritable(entry, positioned);
    if (errno !== ERRNO.SUCCESS) return errno;
    errno = memory.readList(iovs, iovsLen, nwritten, this.#list);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (positioned && BigInt.asIntN(64, offset) < 0n) return ERRNO.INVAL;
    if (this.#list.total === 0) {
      memory.setU32(nwritten, 0);
      this.#stats.calls++;
      return ERRNO.SUCCESS;
    }
    const list = this.#cut(iovs, iovsLen);
    errno = positioned
      ? this.#node.call('fd_pwrite', entry.nodeFd, ...list, offset, nwritten)
      : this.#node.call('fd_write', entry.nodeFd, ...list, nwritten);
    if (errno === ERRNO.SUCCESS) {
      this.#stats.calls++;
      this.#stats.bytes += memory.u32(nwritten);
    }
    return errno;
  }
}

module.exports = { Files };
