'use strict';

// Writes through the package, and prints the results as JSON.

const fs = require('node:fs');

function writeByCreateWrites(createWrites) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  view.setUint32(0, 8, true);
  view.setUint32(4, 4, true);
  new Uint8Array(memory.buffer).set(Buffer.from('word'), 8);
  const fd = fs.openSync('words', 'w');
  const { close, fd_pwrite, fd_write } = createWrites({
    fds: { 1: fd },
    memory,
  });
  const errnos = [
    fd_write(1, 0, 1, 16),
    fd_pwrite(1, 0, 1, 6n, 16),
    fd_write(1, 0, 1, 65536),
    fd_write(2, 0, 1, 16),
  ];
  close();
  fs.closeSync(fd);
  return errnos;
}

// The guest opens the file itself.
function writeByGuest(WASI) {
  fs.rmSync('guest-file', { force: true });
  const wasi = new WASI({
    version: 'preview1',
    args: ['toolbox', 'write', '/guest-file', 'by the guest'],
    preopens: { '/': '.' },
  });
  const module = new WebAssembly.Module(fs.readFileSync('toolbox.wasm'));
  wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
  return wasi.stats;
}

module.exports = function consume({ WASI, createWrites, engine }) {
  const errnos = writeByCreateWrites(createWrites);
  const { calls, bytes } = WASI ? writeByGuest(WASI) : {};
  const addon = Object.keys(require.cache).find((file) =>
    file.endsWith('.node'),
  );
  const text = (file) => fs.readFileSync(file, 'latin1');
  process.stdout.write(
    JSON.stringify({
      platform: `${process.platform}-${process.arch}`,
      engine,
      addon: addon && require('node:path').basename(addon),
      errnos,
      words: text('words'),
      ...(WASI && { calls, bytes, guestFile: text('guest-file') }),
    }),
  );
};
