'use strict';

// The path_* calls of Node's WASI.
//
// uvwasi reads a path up to the next NUL. If the memory ends before, the process
// crashes. Such a call is made on the scratch memory, with a copy of the path and a
// NUL. So is every call on a shared memory, where a thread could remove the NUL, and
// path_open, whose result is a number of Node's.

const { ERRNO } = require('../preview1');

// The arguments that point to a path; the next argument is its length.
const PATHS = {
  path_create_directory: [1],
  path_filestat_get: [2],
  path_filestat_set_times: [2],
  path_link: [2, 5],
  path_open: [2],
  path_readlink: [1],
  path_remove_directory: [1],
  path_rename: [1, 4],
  path_symlink: [0, 3],
  path_unlink_file: [1],
};

// The arguments that point to room for a result, and its size.
const RESULTS = {
  path_filestat_get: () => [[4, 64]],
  path_open: () => [[8, 4]],
  path_readlink: (values) => [
    [3, values[4]],
    [5, 4],
  ],
};

/** The arguments that are fds of directories. */
const DIRECTORIES = {
  path_create_directory: [0],
  path_filestat_get: [0],
  path_filestat_set_times: [0],
  path_link: [0, 4],
  path_open: [0],
  path_readlink: [0],
  path_remove_directory: [0],
  path_rename: [0, 3],
  path_symlink: [2],
  path_unlink_file: [0],
};

// No host has longer paths or link targets.
const PATH_MAX = 32768;

// Two paths, or a path and a link target, and some more.
const COPY_MAX = 2 * PATH_MAX + 1024;

const roomFor = (size) => Math.min(size, PATH_MAX);

class Paths {
  #memory;
  #node;

  /**
   * @param {import('./node-wasi').NodeCalls} node
   * @param {import('../memory').GuestMemory} memory
   */
  constructor(node, memory) {
    this.#node = node;
    this.#memory = memory;
  }

  /**
   * @param {string} name any of these calls except path_open
   * @param {Array<number
   * bigint>} values its arguments, with Node's numbers
   * @returns {number} errno
   */
  run(name, values) {
    const ranges = this.#rangesOf(name, values);
    if (typeof ranges === 'number') return ranges;
    if (!this.#memory.shared && this.#areTerminated(values, ranges.paths)) {
      return this.#node.call(name, ...values);
    }
    const { errno, results } = this.#runOnCopy(name, values, ranges);
    if (errno === ERRNO.SUCCESS) {
      for (const [at, bytes] of results) this.#memory.view.set(bytes, at);
    }
    return errno;
  }

  /** Makes path_open without changing the guest's memory. */
  open(values) {
    const ranges = this.#rangesOf('path_open', values);
    if (typeof ranges === 'number') return { errno: ranges };
    const { errno, results } = this.#runOnCopy('path_open', values, ranges);
    if (errno !== ERRNO.SUCCESS) return { errno };
    const [[, bytes]] = results;
    return { errno, nodeFd: Buffer.from(bytes).readUInt32LE() };
  }

  // [argument, size] of each range that the call reads or writes, or an errno.
  #rangesOf(name, values) {
    const paths = PATHS[name].map((i) => [i, values[i + 1]]);
    const results = RESULTS[name]?.(values) ?? [];
    for (const [i, size] of [...paths, ...results]) {
      if (!this.#memory.has(values[i], size)) return ERRNO.OVERFLOW;
    }
    if (paths.some(([, size]) => size > PATH_MAX)) return ERRNO.NAMETOOLONG;
    return { paths, results };
  }

  // A short search: a NUL follows most paths directly.
  #areTerminated(values, paths) {
    const { view } = this.#memory;
    return paths.every(([i, size]) => view.indexOf(0, values[i] + size) !== -1);
  }

  // Returns the results as pairs of a guest's pointer and the bytes for it.
  #runOnCopy(name, values, { paths, results }) {
    const memory = this.#memory;
    const bytes = this.#node.scratch(COPY_MAX);
    const copied = [...values];
    let at = 0;
    for (const [i, size] of paths) {
      memory.copy(values[i], size, bytes, at);
      copied[i] = at;
      at += size;
      bytes[at++] = 0;
    }
    for (const [i, size] of results) {
      memory.copy(values[i], roomFor(size), bytes, at);
      copied[i] = at;
      at += roomFor(size);
    }
    if (name === 'path_readlink') copied[4] = roomFor(copied[4]);
    const errno = this.#node.callOnScratch(name, ...copied);
    return {
      errno,
      results: results.map(([i, size]) => [
        values[i],
        bytes.subarray(copied[i], copied[i] + roomFor(size)),
      ]),
    };
  }
}

module.exports = { DIRECTORIES, Paths };
