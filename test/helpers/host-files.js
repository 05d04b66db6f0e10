'use strict';

// Host descriptors for one test: they are closed after it.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { useTempDir } = require('./temp');

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

const GET_FLAGS =
  'import fcntl, os; print(fcntl.fcntl(3, fcntl.F_GETFL) & os.O_NONBLOCK)';

/** Whether O_NONBLOCK is set on what is behind a descriptor. */
function isNonblock(fd) {
  // The child has the same description. One of 0 to 2 libuv would make blocking.
  const stdio = ['ignore', 'pipe', 'inherit', fd];
  const output = execFileSync('python3', ['-c', GET_FLAGS], { stdio });
  return Number(output) !== 0;
}

/** What a non-blocking descriptor has to give at this moment. */
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

/** Writes to a non-blocking pipe until it is full. Returns what it took. */
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

/** To be called in a `describe`. Adds to what `useTempDir` gives. */
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

    /** `name`: in the directory of the running test, or an absolute path. */
    open,

    close(fd) {
      opened.delete(fd);
      fs.closeSync(fd);
    },

    /**
     * A named pipe.
     *
     * @returns {object} descriptors: `reader` and `filler` do not block,
     *   `writer` does if `blocking`
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
