'use strict';

// The tests that are not run in Deno or Bun, and why: files of test/, and parts of
// titles.

const BOTH = {
  files: [
    // They use the runtime's own node:wasi.
    'api/register.test.js',
    'api/wasi-start.test.js',
    'api/wasi.test.js',
    'buffering/differential.test.js',
    'preview1/calls.test.js',
    'preview1/calls-lists.test.js',
    'preview1/differential.test.js',
    // Only Node makes process.stdout non-blocking, and they take long.
    'output/captured-stdout.test.js',
    'output/process-streams.test.js',
    'output/streams.test.js',
    'preview1/nonblocking.test.js',
    // Node's permission model.
    'api/permission.test.js',
    // It only runs programs in C.
    'sandbox/core.test.js',
    // They take long.
    'buffering/checks.test.js',
    // They take long; runtimes.test.js runs some of them.
    'preview1/waits.test.js',
    // spawnSync returns no output of descriptor 3. runtimes.test.js runs flite.
    'programs/flite.test.js',
    // Their threads have no preload.
    'programs/napi-rs-threads.test.js',
    // There is no other engine for them.
    'spawn/fallback.test.js',
    // Errors that nobody takes are told in other words, and descriptors and threads
    // are others.
    'spawn/exits.test.js',
    // Their terminate() leaves threads in loops, which then take the processor.
    'spawn/aborts.test.js',
    'spawn/backpressure.test.js', // and the memory is the runtime's own
    'spawn/ending.test.js',
    'spawn/interactive.test.js',
    'spawn/pool.test.js',
    'spawn/resources.test.js',
  ],
  titles: [
    'is thrown with the output so far', // the message of a trap
    'ends by abort with what it wrote itself', // descriptor 3
    'A write that is buffered calls no JS', // needs the inspector
    'may be that the stack is full', // the text of a stack
    'is told with its stack, after', // likewise
    'are told of after an exception that nobody caught', // the text of an error
    'are told of with what start\\(\\) throws, if nobody catches', // likewise
    'is an uncaught exception after the guest has returned', // likewise
    'that it may not be loaded, and no more', // flags of Node
    'is a file whose name ends in \\.node', // the code of an error
    // The runtime's own fs.readFileSync and the like release the locks.
    'beside a lock of the process',
    // Their terminate() leaves descriptors of a loop open, or does not end it.
    'a loop without a call is ended',
    // The descriptors of a thread stay open when the thread around it ends.
    'may be of a worker, and goes with it',
  ],
};

const LEFT_OUT = {
  Bun: {
    files: [
      ...BOTH.files,
      // It counts descriptors, and Bun opens and closes some of its own.
      'spawn/options.test.js',
      // Bun makes system calls without libc, so the tests cannot inject faults.
      'preview1/errno.test.js',
      'preview1/interrupted.test.js',
      // JavaScriptCore's stack is deep: they take long.
      'buffering/stack-overflow.test.js',
    ],
    titles: [
      ...BOTH.titles,
      // Nothing makes JavaScriptCore collect an object at once.
      'go when the WASI is collected',
      'that throws does not keep the guest in memory',
      'keeps no guest, once that was told',
      'are let go once it was given up',
      // Bun takes a leading -- and a variable __proto__ for itself.
      'from a path from the working directory',
      'the command refuses --$',
      'at --, behind which a file may have the name of an option',
      'takes __proto__ as a name like any other',
      'the examples are all here', // the order of readdir
      // Its terminate() does not end a loop without a call.
      'by force has its output so far',
      'makes no further call has its output read',
      'has a function called with what it wrote before it waits',
      'has what it said on stderr read at once',
      'says how many threads wait',
      // The command refuses it on Bun.
      '--timeout',
      // Bun itself dies without memory.
      'A process without the memory for the table of a high fd',
    ],
  },
  Deno: {
    files: [
      ...BOTH.files,
      // Deno's spawnSync never returns if stdin has many bytes.
      'api/cli-streams.test.js',
      // Deno's terminate() does not end a running thread.
      'preview1/threads-races.test.js',
      // Deno's fs refuses O_APPEND together with O_TRUNC.
      'preview1/interrupted.test.js',
      // Deno itself takes more memory than the tests allow.
      'output/large-writes.test.js',
    ],
    titles: [
      ...BOTH.titles,
      'the thread ends by terminate\\(\\)', // see above
      'workers that are terminated in the middle', // likewise
      // Here a worker of Deno ends with 0.
      'in a worker has a promise rejected',
      // Deno runs no further listener after the error.
      "are out before another's 'exit' listener throws",
      'ripgrep finds what it shall under the preload', // it is an import
      'is not one of wasi-writev: full-pipe.mjs', // it starts a Node
      'add at most one exit listener', // a Worker of Deno has its own
      // Deno does not start with so little memory.
      'A process without the memory for the table of a high fd',
      'says why the one that was built does not load', // the code of an error
      'the results of a call in the memory that was moved', // flags of Node
      'that is locked rejects', // an error's code
      'reject for a WritableStream that is locked', // likewise
      'with NONBLOCK take what there is room for', // nothing is read after a pause
    ],
  },
};

module.exports = { LEFT_OUT };
