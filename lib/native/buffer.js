'use strict';

// The memory in which writes are buffered, and the plain case of them, which
// src/combiner.wat makes without leaving WebAssembly where the engine has several
// memories. All else is in src/preview1/buffered.c, which shares the header.

const { BUFFER } = require('./abi');
const wasm = require('./wasm');
const { outOfMemory } = require('../errors');
const { isShared } = require('../memory');

const PAGE = 65536;

const modules = new Map();

/** The compiled module of lib/native/wasm.js that has this name. */
function moduleOf(name) {
  if (!modules.has(name)) {
    const bytes = Buffer.from(wasm[name], 'hex');
    modules.set(name, new WebAssembly.Module(bytes));
  }
  return modules.get(name);
}

const TWO_MEMORIES = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic number, version
  ...[5, 5, 2, 0, 0, 0, 0],
);

let multiMemory;

/** Whether a module can have several memories. The first look takes a while. */
function hasMultiMemory() {
  multiMemory ??= WebAssembly.validate(TWO_MEMORIES);
  return multiMemory;
}

// What stands for the memory of a guest that has not given its own.
let noMemory;

class WriteBuffer {
  #memory;
  #table;
  #writes;

  /** The header and the data. Never moves. */
  view;

  /** @param {number} size bytes that are buffered at the most */
  constructor(size) {
    const length = BUFFER.HEADER_SIZE + size;
    try {
      this.view = hasMultiMemory()
        ? this.#allocatePages(length)
        : new Uint8Array(length);
    } catch (cause) {
      throw outOfMemory(`options.bufferSize: ${size} bytes`, cause);
    }
  }

  #allocatePages(length) {
    const pages = Math.ceil(length / PAGE);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return new Uint8Array(this.#memory.buffer, 0, length);
  }

  /**
   * The imports of the guest. It is linked before its memory is known: it gets a
   * trampoline, and that calls a combiner over no memory at first.
   *
   * @param {{ fd_write: Function, fd_pwrite: Function }} writes all but the plain
   *   case
   */
  imports(writes) {
    if (this.#memory === undefined) return writes;
    this.#writes = writes;
    this.#table = new WebAssembly.Table({
      element: 'anyfunc',
      initial: 2,
      maximum: 2,
    });
    noMemory ??= new WebAssembly.Memory({ initial: 0 });
    this.link(noMemory);
    const { exports } = new WebAssembly.Instance(moduleOf('trampoline'), {
      host: { table: this.#table },
    });
    return { fd_write: exports.fd_write, fd_pwrite: exports.fd_pwrite };
  }

  /** The plain case is made over this memory from now on. */
  link(memory) {
    if (this.#table === undefined) return;
    const module = moduleOf(isShared(memory) ? 'combinerShared' : 'combiner');
    const { exports } = new WebAssembly.Instance(module, {
      guest: { memory },
      host: { ...this.#writes, memory: this.#memory },
    });
    this.#table.set(0, exports.fd_write);
    this.#table.set(1, exports.fd_pwrite);
  }
}

module.exports = { WriteBuffer };
