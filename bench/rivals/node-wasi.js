'use strict';

// node:wasi as its documentation has it; behind closures, which keeps calls off
// the path that crashes on Node 20 and 22; and that of Deno.

/** The functions that matter with their own arity: rest arguments cost more. */
function behindClosures(imports) {
  const { fd_write, fd_pwrite } = imports;
  const closures = {};
  for (const [name, call] of Object.entries(imports)) {
    closures[name] = (...values) => call(...values);
  }
  closures.fd_write = (a, b, c, d) => fd_write(a, b, c, d);
  closures.fd_pwrite = (a, b, c, d, e) => fd_pwrite(a, b, c, d, e);
  return closures;
}

function linkWith(wrap) {
  return ({ module, args = ['guest'], preopens = {} }) => {
    const { WASI } = require('node:wasi');
    const wasi = new WASI({ version: 'preview1', args, preopens });
    const instance = new WebAssembly.Instance(module, {
      wasi_snapshot_preview1: wrap(wasi.wasiImport),
    });
    const command = '_start' in instance.exports;
    if (!command) wasi.initialize(instance);
    return { exports: instance.exports, start: () => wasi.start(instance) };
  };
}

const direct = linkWith((imports) => imports);

module.exports = [
  { id: 'node-wasi', name: 'node:wasi', files: true, link: direct },
  {
    id: 'closures',
    name: 'node:wasi behind closures',
    files: true,
    link: linkWith(behindClosures),
  },
  {
    id: 'deno',
    name: 'node:wasi of Deno',
    files: true,
    runtime: 'deno',
    link: direct,
  },
];
