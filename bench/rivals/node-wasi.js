'use strict';

// node:wasi as documented; behind closures, which avoid the path that crashes on
// Node 20 and 22; and Deno's.

const { CALLS } = require('../../lib/preview1');

// One for each number of parameters, since rest parameters are slower.
const CLOSURES = [
  (call) => () => call(),
  (call) => (a) => call(a),
  (call) => (a, b) => call(a, b),
  (call) => (a, b, c) => call(a, b, c),
  (call) => (a, b, c, d) => call(a, b, c, d),
  (call) => (a, b, c, d, e) => call(a, b, c, d, e),
  (call) => (a, b, c, d, e, f) => call(a, b, c, d, e, f),
  (call) => (a, b, c, d, e, f, g) => call(a, b, c, d, e, f, g),
  (call) => (a, b, c, d, e, f, g, h) => call(a, b, c, d, e, f, g, h),
  (call) => (a, b, c, d, e, f, g, h, i) => call(a, b, c, d, e, f, g, h, i),
];

const behindClosures = (imports) =>
  Object.fromEntries(
    Object.entries(imports).map(([name, call]) => [
      name,
      CLOSURES[CALLS[name].length](call),
    ]),
  );

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
  {
    id: 'node-wasi',
    name: 'node:wasi',
    calls: true,
    files: true,
    link: direct,
  },
  {
    id: 'closures',
    name: 'node:wasi behind closures',
    calls: true,
    files: true,
    link: linkWith(behindClosures),
  },
  {
    id: 'deno',
    name: 'node:wasi of Deno',
    calls: true,
    files: true,
    runtime: 'deno',
    link: direct,
  },
];
