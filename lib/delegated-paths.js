'use strict';

// The path_* calls of Node's WASI.
//
// uvwasi takes a path for a C string: it reads up to the next NUL, past the end
// of memory if none comes before, and ends the process there. Such a call is made
// on a memory of ours that has a copy of the path, with a NUL behind it. So is
// every call on a shared memory, where a thread could take the NUL away.

const { ERRNO } = require('./preview1');

// Which arguments point to a path; its length is the argument behind it.
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

// Which point to room for a result, and its size.
const RESULTS = {
  path_filestat_get: () => [[4, 64]],
  path_open: () => [[8, 4]],
  path_readlink: (values) => [
    [3, values[4] >>> 0],
    [5, 4],
  ],
};

// No host has longer paths, or longer targets of links.
const PATH_MAX = 32768;

/**
 * @param {object} delegates closures of Node's functions, by name
 * @param {import('./memory').GuestMemory} memory
 * @param {import('./scratch').Scratch} scratch
 * @returns {object} what to put in place of the path_* among them
 */
function guardPaths(delegates, memory, scratch) {
  // [argument, size] of all that the call reads and writes, or an errno.
  function rangesOf(name, values) {
    const paths = PATHS[name].map((i) => [i, values[i + 1] >>> 0]);
    const results = RESULTS[name]?.(values) ?? [];
    for (const [i, size] of [...paths, ...results]) {
      if (!memory.has(values[i], size)) return ERRNO.OVERFLOW;
    }
    if (paths.some(([, size]) => size > PATH_MAX)) return ERRNO.NAMETOOLONG;
    return { paths, results };
  }

  const isTerminated = (values, paths) =>
    paths.every(
      ([i, size]) => memory.view.indexOf(0, (values[i] >>> 0) + size) !== -1,
    );

  function callOnCopy(name, values, { paths, results }) {
    const { bytes } = scratch;
    const copied = [...values];
    let at = 0;
    for (const [i, size] of paths) {
      memory.copy(values[i] >>> 0, size, bytes, at);
      copied[i] = at;
      at += size;
      bytes[at++] = 0;
    }
    for (const [i, size] of results) {
      const room = Math.min(size, PATH_MAX);
      memory.copy(values[i] >>> 0, room, bytes, at);
      copied[i] = at;
      at += room;
    }
    if (name === 'path_readlink')
      copied[4] = Math.min(copied[4] >>> 0, PATH_MAX);
    const errno = scratch.during(() => delegates[name](...copied));
    if (errno === ERRNO.SUCCESS) {
      for (const [i, size] of results) {
        const end = copied[i] + Math.min(size, PATH_MAX);
        memory.view.set(bytes.subarray(copied[i], end), values[i] >>> 0);
      }
    }
    return errno;
  }

  // The NUL right behind it that a C string has.
  const endsInNul = (at, size) =>
    size <= PATH_MAX && memory.view[(at >>> 0) + size] === 0;

  function guard(name) {
    const call = delegates[name];
    const paths = PATHS[name];
    const areStrings = (values) =>
      paths.every((i) => endsInNul(values[i], values[i + 1] >>> 0));

    return (...values) => {
      if (memory.memory === undefined || scratch.active) return call(...values);
      if (!memory.shared && areStrings(values)) return call(...values);
      const ranges = rangesOf(name, values);
      if (typeof ranges === 'number') return ranges;
      return !memory.shared && isTerminated(values, ranges.paths)
        ? call(...values)
        : callOnCopy(name, values, ranges);
    };
  }

  return Object.fromEntries(
    Object.keys(PATHS).map((name) => [name, guard(name)]),
  );
}

module.exports = { guardPaths };
