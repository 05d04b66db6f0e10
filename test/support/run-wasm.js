'use strict';

// Run as a process: a program under our WASI, with the streams of the process.
//
//   node run-wasm.js FILE DIRECTORY ARGUMENT...
//
// DIRECTORY is the program's `/`. Prints on descriptor 3, as JSON, how it ended:
// exitCode or thrown, the message of an error; and stats.

const fs = require('node:fs');
const path = require('node:path');
const { WASI } = require('../..');

const RESULT = 3;

const [file, directory, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: 'preview1',
  args: [path.basename(file, '.wasm'), ...args],
  preopens: { '/': directory },
});
const instance = new WebAssembly.Instance(
  new WebAssembly.Module(fs.readFileSync(file)),
  wasi.getImportObject(),
);
const result = {};
try {
  result.exitCode = wasi.start(instance);
} catch (error) {
  result.thrown = error.message;
}
fs.writeSync(RESULT, JSON.stringify({ ...result, stats: wasi.stats }));
