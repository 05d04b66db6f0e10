'use strict';

// Host descriptors for one test, closed after it.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { useTempDir } = require('./temp');

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

const GET_FLAGS =
  'import fcntl, os; print(fcntl.fcntl(3, fcntl.F_GETFL) & os.O_NONBLOCK)';

/** Whether the description behind a descriptor has O_NONBLOCK. */
function isNonblock(fd) {
  // The child shares the description. At 0 to 2, libuv would make it blocking.
  const stdio = ['ignore', 'pipe', 'inherit', fd];
  const output = execFileSync('python3', ['-c', GET_FLAGS], { stdio });
  return Number(output) !== 0;
}

/** Reads all that a non-blocking descriptor has at the moment. */
function readAvailable(fd) {
  const chunks = [];
  for (;;) {
    const chunk = Buffer.alloc(65536);
    let count;
    try {
      count = fs.readSync(fd, chunk);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      count = 0;
    }
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
  }
}

/** Fills a non-blocking pipe. Returns the bytes it took. */
function fill(fd) {
  const chunk = Buffer.alloc(4096, 'full');
  let count = 0;
  try {
    for (;;) count += fs.writeSync(fd, chunk);
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
    return Buffer.alloc(count, chunk);
  }
}

/** Call it in a `describe`. Extends `useTempDir`. */
function useHostFiles() {
  const temp = useTempDir();
  const opened = new Set();

  afterEach(() => {
    opened.forEach((fd) => fs.closeSync(fd));
    opened.clear();
  });

  function open(name, flags) {
    const fd = fs.openSync(
      path.isAbsolute(name) ? name : temp.path(name),
      flags,
    );
    opened.add(fd);
    return fd;
  }

  return {
    ...temp,

    /** `name` is in the directory of the test, or an absolute path. */
    open,

    close(fd) {
      opened.delete(fd);
      fs.closeSync(fd);
    },

    /**
     * Opens a named pipe.
     *
     * @returns {object} descriptors: `reader` and `filler` are non-blocking,
     *   `writer` is blocking if `blocking`
     */
    pipe({ blocking }) {
      execFileSync('mkfifo', [temp.path('pipe')]);
      const reader = open('pipe', O_RDONLY | O_NONBLOCK);
      return {
        reader,
        filler: open('pipe', O_WRONLY | O_NONBLOCK),
        writer: open('pipe', O_WRONLY | (blocking ? 0 : O_NONBLOCK)),
      };
    },
  };
}

module.exports = { fill, isNonblock, readAvailable, useHostFiles };
