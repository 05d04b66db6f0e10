'use strict';

// wasi-js as in its README, with node:fs. Its standard streams are the process's.

const fs = require('node:fs');

function link({ module, args = ['guest'], preopens = {} }) {
  const { default: WASI } = require('wasi-js');
  const { default: bindings } = require('wasi-js/dist/bindings/node');
  const wasi = new WASI({
    args,
    env: {},
    preopens,
    bindings: { ...bindings, fs },
  });
  const instance = new WebAssembly.Instance(module, wasi.getImports(module));
  wasi.setMemory(instance.exports.memory);
  return {
    exports: instance.exports,
    start: () => wasi.start(instance) ?? 0,
  };
}

module.exports = [{ id: 'wasi-js', name: 'wasi-js', files: true, link }];
