'use strict';

// @wasmer/wasi keeps standard output in memory until it is fetched. It has files in
//   memory only.

const fs = require('node:fs');

function writeAll(bytes) {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at);
}

async function link({ module }) {
  const { WASI, init } = require('@wasmer/wasi');
  await init();
  const wasi = new WASI({ args: ['guest'], env: {} });
  const { exports } = wasi.instantiate(module, {});
  return { exports, flush: () => writeAll(wasi.getStdoutBuffer()) };
}

module.exports = [
  {
    id: 'wasmer-wasi',
    name: '@wasmer/wasi',
    files: false,
    limit: 8 * 2 ** 20,
    link,
  },
];
