'use strict';

// @runno/wasi passes standard output on as text. It has files in memory only.

const fs = require('node:fs');

async function link({ module }) {
  const { WASI } = await import('@runno/wasi');
  const wasi = new WASI({
    args: ['guest'],
    stdout: (text) => fs.writeSync(1, text),
  });
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  wasi.initialize({ instance, module });
  return { exports: instance.exports };
}

module.exports = [
  { id: 'runno-wasi', name: '@runno/wasi', files: false, link },
];
