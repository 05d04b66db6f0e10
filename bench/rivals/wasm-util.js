'use strict';

// @tybys/wasm-util with node:fs. It passes standard output on line by line, as text
//   without line ends.

const fs = require('node:fs');

function link({ module, args = ['guest'], preopens = {} }) {
  const { WASI } = require('@tybys/wasm-util');
  const wasi = new WASI({
    version: 'preview1',
    args,
    preopens,
    fs,
    print: (line) => fs.writeSync(1, `${line}\n`),
    returnOnExit: true,
  });
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  const command = '_start' in instance.exports;
  if (!command) wasi.initialize(instance);
  return { exports: instance.exports, start: () => wasi.start(instance) };
}

module.exports = [
  { id: 'wasm-util', name: '@tybys/wasm-util', files: true, link },
];
