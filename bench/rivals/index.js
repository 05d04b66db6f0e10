'use strict';

// The rivals. Each has
//
//   id, name    for --rivals, and for people
//   calls       whether calls other than writes are compared too
//   files       whether the guest can open real files; if not, its standard
//               output is the file
//   link        ({ module, args, preopens }) => a guest or a promise for one;
//               its fd 1 is this process's
//   env         variables of its process
//   runtime     'deno', if not Node
//   leaves      (workload) => the reason to leave it out, or undefined
//   limit       bytes that a batch may write, if they are kept in memory
//
// and a guest has
//
//   exports     of the instance
//   start       runs a command to its end, and returns the exit code
//   flush       writes the buffered bytes
//   deliver     writes the captured bytes, if they are to be checked
//
// Each module exports one or more rivals.

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
