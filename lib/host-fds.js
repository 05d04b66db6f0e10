'use strict';

// Descriptors that are opened for a guest, and that Node's WASI closes with it.
//
// A worker of Node's keeps a list of what node:fs has opened in it, and closes
// all that when it ends. WASI closes without a word to that list: by then the
// number may be another thread's. So the list must not have it. The addon makes
// a copy that it does not; without the addon the number is taken off late.

const fs = require('node:fs');
const os = require('node:os');
const { addon } = require('./engine');

/** Gives a descriptor of node:fs away; returns the one to use in its place. */
function handOver(fd) {
  if (addon === undefined) return fd;
  const copy = addon.dup(fd);
  fs.closeSync(fd);
  if (copy >= 0) return copy;
  throw Object.assign(new Error('EMFILE: too many open files, dup'), {
    code: 'EMFILE',
    syscall: 'dup',
  });
}

/** Opens /dev/null: `flags` as fs.openSync has them. */
function openNull(flags) {
  return handOver(fs.openSync(os.devNull, flags));
}

/** Closes one that `handOver` gave. */
function close(fd) {
  if (addon === undefined) fs.closeSync(fd);
  else addon.close(fd);
}

/** One that `handOver` gave was closed by Node's WASI. */
function closedByNode(fd) {
  if (addon !== undefined) return;
  // Loaded late: that takes a while, and the addon has no need of it.
  if (require('node:worker_threads').isMainThread) return;
  try {
    fs.closeSync(fd);
  } catch {
    // EBADF, as it should be: it is off the list.
  }
}

module.exports = { close, closedByNode, handOver, openNull };
