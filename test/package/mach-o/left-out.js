'use strict';

// The tests that are not run with the addon for macOS, and why: files of test/, and parts
// of titles.

const LEFT_OUT = {
  files: [
    // It only runs programs in C.
    'sandbox/core.test.js',
    // They take long.
    'buffering/differential.test.js',
    'buffering/exits.test.js',
    'output/streams.test.js',
    'preview1/differential.test.js',
    'preview1/nonblocking.test.js', // and some need the PIPE_BUF of Linux, 4096
    'spawn/resources.test.js',
    // It counts the threads of the process.
    'spawn/pool.test.js',
  ],
  titles: [
    // It is not told apart from a thread that has no turn, beside other tests.
    'A vm timeout ends',
    // macOS has no fallocate.
    'at the start, with relative pointers',
    'end with an errno over a memory',
    'fd_allocate, after',
    // PIPE_BUF is 512 on macOS: a record of 4 KiB is no single write, and poll(2)
    // leaves room for another.
    'A flush to a pipe that is full',
    'write whole records to one',
    // On Linux the pipe is opened once more.
    'a full pipe with a limit',
    'a pipe with a limit',
    'a pipe under NONBLOCK',
    'of a pipe may cost one descriptor',
    // The copies have one loader, and so one addon.
    'of another copy of the package',
    'A thread with another copy of the addon',
  ],
};

module.exports = { LEFT_OUT };
