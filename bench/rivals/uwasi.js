'use strict';

// uwasi passes standard output on as text. It has no files.

const fs = require('node:fs');

function link({ module }) {
  const { WASI, useAll } = require('uwasi');
  const stdout = (text) => fs.writeSync(1, text);
  const wasi = new WASI({ args: ['guest'], features: [useAll({ stdout })] });
  const instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasi.wasiImport,
  });
  wasi.initialize(instance);
  return { exports: instance.exports };
}

module.exports = [{ id: 'uwasi', name: 'uwasi', files: false, link }];
