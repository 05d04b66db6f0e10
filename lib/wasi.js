'use strict';

// The drop-in for node:wasi: the class, over Node's.

const { WASI: NodeWASI } = require('node:wasi');

// Loaded with the first guest: it is most of the package.
const loadGuest = () => require('./guest');

// An own property under a symbol, as Node's: packages wrap instances in a Proxy,
// which private fields would not survive.
const kGuest = Symbol('wasi-writev.guest');

/**
 * Node's `WASI` with our `fd_write` and `fd_pwrite`. Options, members, errors and
 * behaviour are those of Node where lib/index.d.ts does not say otherwise.
 */
class WASI extends NodeWASI {
  constructor(options) {
    const { Guest, closeAll, prepare, setMemorySymbol } = loadGuest();
    const prepared = prepare(options);
    try {
      super(prepared.forNode);
      const kSetMemory = setMemorySymbol(this);
      const setMemory = this[kSetMemory];
      const guest = new Guest(this.wasiImport, setMemory, prepared);
      this.wasiImport = guest.imports;
      // Node hands the memory over by this function, and so do packages that look
      // the symbol up: @emnapi/wasi-threads does in its workers.
      this[kSetMemory] = (memory) => {
        setMemory(memory);
        guest.setMemory(memory);
      };
      Object.defineProperty(this, kGuest, { value: guest });
    } catch (error) {
      closeAll(prepared.placeholders);
      throw error;
    }
  }

  start(instance) {
    return this[kGuest].start(() => super.start(instance));
  }

  get stdout() {
    return this[kGuest].captured(1);
  }

  get stderr() {
    return this[kGuest].captured(2);
  }

  get stats() {
    return this[kGuest].stats;
  }

  flush() {
    this[kGuest].flush();
  }

  discard() {
    return this[kGuest].discard();
  }

  close() {
    this[kGuest].release();
  }
}

/** Closes all that a guest which is not going on has open, preopens included. */
function dispose(wasi) {
  wasi[kGuest].dispose();
}

if (!('finalizeBindings' in NodeWASI.prototype)) {
  Object.defineProperty(WASI.prototype, 'finalizeBindings', {
    configurable: true,
    value: function finalizeBindings(instance, options = {}) {
      loadGuest().finalizeBindings(this, instance, options);
    },
    writable: true,
  });
}

module.exports = { WASI, dispose };
