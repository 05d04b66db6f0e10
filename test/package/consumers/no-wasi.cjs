'use strict';

// What comes of WASI and run in a runtime whose node:wasi is not Node's.

const fs = require('node:fs');
const { WASI, runSync } = require('wasi-writev');

function codeOf(call) {
  try {
    call();
    return null;
  } catch ({ code }) {
    return code;
  }
}

const codes = [
  () => new WASI({ version: 'preview1' }),
  () => new WASI({ version: 'preview1', stdout: 'capture' }),
  () => runSync('toolbox.wasm', { args: ['say', 'word'] }),
  () => runSync('toolbox.wasm', { args: ['say', 'word'], stdout: 'inherit' }),
].map(codeOf);
// stdout is still open.
fs.writeSync(1, JSON.stringify(codes));
