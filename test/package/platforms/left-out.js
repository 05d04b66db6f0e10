'use strict';

// The tests that are not run with musl and on other machines, and why: files of test/,
// and parts of titles.

const LEFT_OUT = {
  // An address space of 32 bits has no room for these memories.
  arm: { titles: ['4 GiB', '2 GiB'] },

  // Node 26 for musl runs on Debian, whose programs and compilers are for glibc.
  musl: {
    files: [
      // They build programs or libraries in C, for glibc.
      'preview1/interrupted.test.js',
      'sandbox/core.test.js',
      'sandbox/no-openat2.test.js',
      // They limit memory, and libraries for glibc count as well.
      'preview1/limits.test.js',
      // Flags that NODE_OPTIONS cannot have.
      'buffering/exits.test.js',
      // They take long.
      'buffering/checks.test.js',
      'output/streams.test.js',
      'preview1/nonblocking.test.js',
      'preview1/waits.test.js',
      'spawn/backpressure.test.js',
      'spawn/pool.test.js',
      'spawn/resources.test.js',
    ],
    titles: [
      'Every errno of a system call that writes', // a library in C
      'A write that is buffered calls no JS', // this Node dies in its inspector
      'beside a lock of the process', // a program of Python that takes Node's place
      // WASI_WRITEV_ENGINE names one addon for all copies of the package.
      'of another copy of the package',
      'with another copy of the addon',
    ],
  },
};

module.exports = { LEFT_OUT };
