'use strict';

// @bjorn3/browser_wasi_shim has files in memory only. A subclass of its Fd writes to
//   a descriptor.

const fs = require('node:fs');

async function link({ module }) {
  const { Fd, WASI } = await import('@bjorn3/browser_wasi_shim');

  class Stdout extends Fd {
    fd_write(data) {
      return { ret: 0, nwritten: fs.writeSync(1, data) };
    }

    fd_pwrite(data, offset) {
      const nwritten = fs.writeSync(1, data, 0, data.length, Number(offset));
      return { ret: 0, nwritten };
    }
  }

  const wasi = new WASI(['guest'], [], [new Fd(), new Stdout(), new Fd()]);
  const instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasi.wasiImport,
  });
  wasi.initialize(instance);
  return { exports: instance.exports };
}

module.exports = [
  {
    id: 'browser-wasi-shim',
    name: '@bjorn3/browser_wasi_shim',
    files: false,
    link,
  },
];
