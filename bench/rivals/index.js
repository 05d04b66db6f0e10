'use strict';

// Who is compared. A rival has
//
//   id, name    for --rivals, and for people
//   calls       whether it is compared in calls that are no writes, too
//   files       whether the guest can open real files with it; where not, its
//               standard output is the file
//   link        ({ module, args, preopens }) => a guest, perhaps by a promise;
//               its fd 1 is this process's
//   env         variables of its process
//   runtime     'deno' where it is not Node's
//   leaves      (workload) => what it is left out for, or undefined
//   limit       bytes that a batch may write, where they are kept in memory
//
// and a guest
//
//   exports     of the instance
//   start       runs a command to its end, and returns the exit code
//   flush       writes out what is buffered
//   deliver     writes out what was captured, if it is to be looked at
//
// A module gives one or more of them.

module.exports = [
  ...require('./wasi-writev'),
  ...require('./node-wasi'),
  ...require('./node-fs'),
  ...require('./wasi-js'),
  ...require('./wasm-util'),
  ...require('./browser-wasi-shim'),
  ...require('./uwasi'),
  ...require('./runno-wasi'),
  ...require('./wasmer-wasi'),
];
