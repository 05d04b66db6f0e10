'use strict';

// Tests of this project that are not for Deno or Bun, and why: files of test/, and
// the beginnings of titles, or parts of them.

const BOTH = {
  files: [
    // They ask the node:wasi of the runtime, which is not Node's.
    'api/register.test.js',
    'api/wasi-start.test.js',
    'api/wasi.test.js',
    'buffering/differential.test.js',
    'preview1/calls.test.js',
    'preview1/calls-lists.test.js',
    'preview1/differential.test.js',
    // process.stdout is non-blocking in Node alone, and they take long.
    'output/captured-stdout.test.js',
    'output/process-streams.test.js',
    'output/streams.test.js',
    'preview1/nonblocking.test.js',
    // It is of Node.
    'api/permission.test.js',
    // It is C alone.
    'sandbox/core.test.js',
    // They take long.
    'buffering/checks.test.js',
    // Likewise; runtimes.test.js has some of them.
    'preview1/waits.test.js',
    // spawnSync gives nothing of descriptor 3. runtimes.test.js has flite.
    'programs/flite.test.js',
    // No preload is in their threads.
    'programs/napi-rs-threads.test.js',
  ],
  titles: [
    'is thrown with the output so far', // the message of a trap
    'ends by abort with what it wrote itself', // descriptor 3
    'A write that is buffered calls no JS', // by the inspector
    'may be that the stack is full', // the text of a stack
    'is told with its stack, after', // likewise
    'are told of after an exception that nobody caught', // the text of an error
    'are told of with what start\\(\\) throws, if nobody catches', // likewise
    'is an uncaught exception after the guest has returned', // likewise
    // The locks go in fs.readFileSync and the like of the runtime.
    'beside a lock of the process',
  ],
};

const LEFT_OUT = {
  Bun: {
    files: [
      ...BOTH.files,
      // Bun makes its system calls without libc: faults cannot be put there.
      'preview1/errno.test.js',
      'preview1/interrupted.test.js',
      // JavaScriptCore's stack is deep, so they take long.
      'buffering/stack-overflow.test.js',
    ],
    titles: [
      ...BOTH.titles,
      // JavaScriptCore collects when it likes.
      'go when the WASI is collected',
      'that throws does not keep the guest in memory',
      'keeps no guest, once that was told',
      'are let go once it was given up',
      // Bun takes a -- that comes first, and a variable __proto__.
      'from a path from the working directory',
      'at --, behind which a file may have the name of an option',
      'takes __proto__ as a name like any other',
      'the examples are all here', // the order of readdir
      // Bun itself dies where no memory is left.
      'A process without the memory for the table of a high fd',
    ],
  },
  Deno: {
    files: [
      ...BOTH.files,
      // Deno's spawnSync never returns where there is much on stdin.
      'api/cli-streams.test.js',
      // Deno's terminate() does not end a thread that is running.
      'preview1/threads-races.test.js',
      // Deno's fs takes O_APPEND not together with O_TRUNC.
      'preview1/interrupted.test.js',
      // Deno has more than 512 MiB by then.
      'output/large-writes.test.js',
    ],
    titles: [
      ...BOTH.titles,
      'the thread ends by terminate\\(\\)', // see above
      'workers that are terminated in the middle', // likewise
      // A worker of Deno ends with 0 then.
      'in a worker has a promise rejected',
      // Deno runs no further listener then.
      "are out before another's 'exit' listener throws",
      'ripgrep finds what it shall under the preload', // an import
      'is not one of wasi-writev: full-pipe.mjs', // it starts a Node
      'says why the one that was built does not load', // an error's code
      'the results of a call in the memory that was moved', // flags of Node
    ],
  },
};

module.exports = { LEFT_OUT };
