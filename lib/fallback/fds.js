'use strict';

// The guest's descriptors where no addon has them.
//
// Node's WASI has a table of its own, whose numbers no guest sees: an entry here
// names the one there. So a stream of the caller's can be closed without Node, which
// would close the host's descriptor, and a guest fd is the lowest free number.

const { ERRNO, GUEST_FD_LIMIT } = require('../preview1');

/** What has an offset for the system. A closed descriptor has no kind. */
const SEEKABLE = ['file', 'directory', 'device'];

/**
 * @typedef {object} Entry
 * @property {number} [hostFd] a stream that node:fs writes
 * @property {number} [target] the number of a target; it has no other descriptor
 * @property {number} [nodeFd] in the table of Node's WASI: a stream, or a file
 * @property {boolean} owned whether it is closed with the entry
 * @property {string} [kind] 'file' (a block device too), 'directory', 'device',
 *   'terminal', 'pipe', 'socket' or 'target'; undefined until somebody asks
 * @property {boolean} writable whether it was opened to be written
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

/** What is to be closed. It outlives its table, and so does not point to it. */
class Owned {
  #node;
  #nodeFds = new Set();

  constructor(node) {
    this.#node = node;
  }

  add({ nodeFd, owned }) {
    if (owned) this.#nodeFds.add(nodeFd);
  }

  /** Closes what the entry owns: returns an errno, and it is gone all the same. */
  close({ nodeFd, owned }) {
    if (!owned) return ERRNO.SUCCESS;
    this.#nodeFds.delete(nodeFd);
    return this.#node.closeFd(nodeFd);
  }

  closeAll() {
    for (const nodeFd of this.#nodeFds) this.close({ nodeFd, owned: true });
  }
}

// A guest that is collected without `close()`.
const collected = new FinalizationRegistry((owned) => owned.closeAll());

class GuestFds {
  #entries = new Map();
  #limit;
  #lowest = 0; // no fd below it is free
  #owned;

  /**
   * @param {object} [node] what closes a number of Node's table
   * @param {number} [limit] entries, for `add`
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

  /** Gives the entry the lowest free fd, and returns that. */
  add(entry) {
    while (this.#entries.has(this.#lowest)) this.#lowest++;
    this.insert(this.#lowest, entry);
    return this.#lowest;
  }

  /** One that stands there goes. */
  insert(fd, entry) {
    this.remove(fd);
    this.#owned.add(entry);
    this.#entries.set(fd, entry);
  }

  /** The entry is gone, whatever the errno. */
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
