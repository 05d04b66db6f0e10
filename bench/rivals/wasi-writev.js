'use strict';

// This package, from the checkout: the class `WASI` in each of its modes.

const fs = require('node:fs');

function linkWith(options) {
  return ({ module, args = ['guest'], preopens = {} }) => {
    const { WASI } = require('../..');
    const wasi = new WASI({ version: 'preview1', args, preopens, ...options });
    const instance = new WebAssembly.Instance(module, wasi.getImportObject());
    const command = '_start' in instance.exports;
    if (!command) wasi.initialize(instance);
    return {
      exports: instance.exports,
      start: () => wasi.start(instance),
      flush: () => wasi.flush(),
      deliver: () => wasi.stdout !== null && fs.writeSync(1, wasi.stdout),
    };
  };
}

function leavesFiles({ target }) {
  return target === 'null' ? undefined : 'captures standard output only';
}

module.exports = [
  {
    id: 'wasi-writev',
    name: 'wasi-writev',
    calls: true,
    files: true,
    link: linkWith({}),
  },
  {
    id: 'buffered',
    name: 'wasi-writev, buffered',
    files: true,
    link: linkWith({ buffered: true }),
  },
  {
    id: 'capture',
    name: 'wasi-writev, capture',
    files: false,
    leaves: leavesFiles,
    limit: 8 * 2 ** 20,
    link: linkWith({ stdout: 'capture', captureLimit: 2 ** 32 }),
  },
  {
    id: 'fallback',
    name: 'wasi-writev, without C',
    calls: true,
    files: true,
    env: { WASI_WRITEV_ENGINE: 'fallback' },
    link: linkWith({}),
  },
];
