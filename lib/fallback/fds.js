'use strict';

// The guest's descriptors without the addon.
//
// Each entry has a number in the table of Node's WASI, which the guest never sees.
// So a guest can close a stream without Node closing the host's descriptor, and a
// new fd is the lowest free number.

const { ERRNO, GUEST_FD_LIMIT } = require('../preview1');

/** Kinds of files that have an offset. A closed descriptor has no kind. */
const SEEKABLE = ['file', 'directory', 'device'];

/**
 * @typedef {object} Entry
 * @property {number} [hostFd] a stream that node:fs writes
 * @property {number} [target] the number of a target; it has no other descriptor
 * @property {number} [nodeFd] a number in the table of Node's WASI, for a stream or
 *   a file
 * @property {boolean} owned whether it is closed with the entry
 * @property {string} [kind] 'file' (a block device too), 'directory', 'device',
 *   'terminal', 'pipe', 'socket' or 'target'; undefined until it is needed
 * @property {boolean} writable whether it is open for writing
 * @property {bigint} rights as the guest has them
 * @property {number} fdflags as the guest has them
 */

const ALL_RIGHTS = -1n;

const canSeek = ({ kind }) => SEEKABLE.includes(kind);

/** @returns {Entry} */
function entryOfStream({ hostFd, target }, nodeFd) {
  return {
    hostFd,
    target,
    nodeFd,
    owned: false,
    kind: target === undefined ? undefined : 'target',
    writable: true,
    rights: ALL_RIGHTS,
    fdflags: 0,
  };
}

/** @returns {Entry} */
function entryOfFile(nodeFd, { rights, writable, fdflags }) {
  return {
    hostFd: undefined,
    target: undefined,
    nodeFd,
    owned: true,
    kind: undefined,
    writable,
    rights,
    fdflags,
  };
}

/** The fds to close. It outlives its table, so it has no reference to it. */
class Owned {
  #node;
  #nodeFds = new Set();

  constructor(node) {
    this.#node = node;
  }

  add({ nodeFd, owned }) {
    if (owned) this.#nodeFds.add(nodeFd);
  }

  /** Closes the entry's fd, if owned. The entry is gone even if this fails. */
  close({ nodeFd, owned }) {
    if (!owned) return ERRNO.SUCCESS;
    this.#nodeFds.delete(nodeFd);
    return this.#node.closeFd(nodeFd);
  }

  closeAll() {
    for (const nodeFd of this.#nodeFds) this.close({ nodeFd, owned: true });
  }
}

// For a guest collected without `close()`.
const collected = new FinalizationRegistry((owned) => owned.closeAll());

class GuestFds {
  #entries = new Map();
  #limit;
  #lowest = 0; // no fd below it is free
  #owned;

  /**
   * @param {object} [node] closes numbers of Node's table
   * @param {number} [limit] the most entries, checked by `hasRoom`
   */
  constructor(node, limit = GUEST_FD_LIMIT) {
    this.#owned = new Owned(node);
    this.#limit = limit;
    if (node !== undefined) collected.register(this, this.#owned);
  }

  /** @returns {Entry | undefined} */
  get(fd) {
    return this.#entries.get(fd);
  }

  get hasRoom() {
    return this.#entries.size < this.#limit;
  }

  /** Puts the entry at the lowest free fd, and returns the fd. */
  add(entry) {
    while (this.#entries.has(this.#lowest)) this.#lowest++;
    this.insert(this.#lowest, entry);
    return this.#lowest;
  }

  /** Replaces an entry that stands at `fd`. */
  insert(fd, entry) {
    this.remove(fd);
    this.#owned.add(entry);
    this.#entries.set(fd, entry);
  }

  /** Removes the entry, even if closing it fails. */
  remove(fd) {
    const entry = this.#entries.get(fd);
    if (entry === undefined) return ERRNO.BADF;
    this.#entries.delete(fd);
    this.#lowest = Math.min(this.#lowest, fd);
    return this.#owned.close(entry);
  }

  renumber(from, to) {
    const entry = this.#entries.get(from);
    if (entry === undefined || !this.#entries.has(to)) return ERRNO.BADF;
    if (from === to) return ERRNO.SUCCESS;
    this.remove(to);
    this.#entries.delete(from);
    this.#entries.set(to, entry);
    this.#lowest = Math.min(this.#lowest, from);
    return ERRNO.SUCCESS;
  }

  close() {
    this.#entries.clear();
    this.#owned.closeAll();
  }
}

module.exports = { GuestFds, canSeek, entryOfFile, entryOfStream };
