'use strict';

// Imports only node:wasi, which rejects 'capture' without the preload.

const { readFileSync } = require('node:fs');
const { WASI } = require('node:wasi');

const wasi = new WASI({
  version: 'preview1',
  args: ['toolbox', 'say', 'through the preload'],
  stdout: 'capture',
});
const module_ = new WebAssembly.Module(readFileSync('toolbox.wasm'));
wasi.start(new WebAssembly.Instance(module_, wasi.getImportObject()));
process.stdout.write(wasi.stdout.toString());
