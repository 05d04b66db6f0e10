'use strict';

// Hand-written JS: node:fs on views of the guest's memory, without checks or other
// calls.

const fs = require('node:fs');

const HOST_FD = 1;
const NOSYS = 52;

/** Views of the guest's memory, created anew after it has grown. */
class Memory {
  #memory;
  bytes = new Uint8Array();
  words;

  set(memory) {
    this.#memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new DataView(memory.buffer);
  }

  refresh() {
    if (this.bytes.byteLength === 0) this.set(this.#memory);
  }
}

// Makes a system call for each buffer.
function writeSync({ bytes, words }, iovs, count, position) {
  let written = 0;
  for (let at = iovs; at < iovs + 8 * count; at += 8) {
    const pointer = words.getUint32(at, true);
    const length = words.getUint32(at + 4, true);
    const offset = position === null ? null : position + written;
    written += fs.writeSync(HOST_FD, bytes, pointer, length, offset);
  }
  return written;
}

// Makes a view for each buffer.
function writevSync({ bytes, words }, iovs, count, position) {
  const views = [];
  for (let at = iovs; at < iovs + 8 * count; at += 8) {
    const pointer = words.getUint32(at, true);
    const length = words.getUint32(at + 4, true);
    views.push(bytes.subarray(pointer, pointer + length));
  }
  return fs.writevSync(HOST_FD, views, position);
}

function linkWith(write) {
  return ({ module }) => {
    const memory = new Memory();
    const instance = new WebAssembly.Instance(module, {
      wasi_snapshot_preview1: {
        fd_write(fd, iovs, count, nwritten) {
          memory.refresh();
          const written = write(memory, iovs, count, null);
          memory.words.setUint32(nwritten, written, true);
          return 0;
        },
        fd_pwrite(fd, iovs, count, offset, nwritten) {
          memory.refresh();
          const written = write(memory, iovs, count, Number(offset));
          memory.words.setUint32(nwritten, written, true);
          return 0;
        },
        path_open: () => NOSYS,
        fd_close: () => NOSYS,
      },
    });
    memory.set(instance.exports.memory);
    return { exports: instance.exports };
  };
}

module.exports = [
  {
    id: 'writevSync',
    name: 'fs.writevSync on views',
    files: false,
    link: linkWith(writevSync),
  },
  {
    id: 'writeSync',
    name: 'fs.writeSync on views',
    files: false,
    link: linkWith(writeSync),
  },
];
