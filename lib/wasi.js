'use strict';

// The drop-in for node:wasi.

const { WASI: NodeWASI } = require('node:wasi');
const { createDelegates } = require('./delegates');
const { createEngine } = require('./engine');
const { alreadyStarted, checkObject, waitTimeoutOption } = require('./errors');
const { GuestFiles } = require('./guest-files');
const { GuestMemory } = require('./memory');

const kEngine = Symbol('wasi-writev.engine');
const kFiles = Symbol('wasi-writev.files');

/** The own symbol of Node's WASI that has this description. */
function symbolOf(wasi, description) {
  return Object.getOwnPropertySymbols(wasi).find(
    (symbol) => symbol.description === description,
  );
}

/**
 * Node's `WASI` with our `fd_write` and `fd_pwrite`. Options, members, errors and
 * behaviour are those of Node where lib/index.d.ts does not say otherwise.
 */
class WASI extends NodeWASI {
  constructor(options) {
    super(options);
    const { stdin = 0, stdout = 1, stderr = 2 } = options;
    const node = this.wasiImport;
    const memory = new GuestMemory();
    const delegates = createDelegates(node, memory);
    const files = new GuestFiles(delegates, memory);
    const engine = createEngine(
      waitTimeoutOption(options.waitTimeout),
      (...call) => files.write(...call),
    );
    files.attach(engine, [stdin, stdout, stderr]);

    this.wasiImport = {
      ...delegates,
      ...files.imports(),
      fd_write: engine.fd_write,
      fd_pwrite: engine.fd_pwrite,
    };
    // With `returnOnExit` Node keeps the number as wasm passed it.
    const returnOnExit = options.returnOnExit ?? true;
    const exit = returnOnExit ? node.proc_exit : delegates.proc_exit;
    this.wasiImport.proc_exit = (code) => {
      files.release();
      return exit(code);
    };

    // Node hands the memory over by this function, and so do packages that look
    // the symbol up: @emnapi/wasi-threads does in its workers.
    const kSetMemory = symbolOf(this, 'kSetMemory');
    const setMemory = this[kSetMemory];
    this[kSetMemory] = (value) => {
      setMemory(value);
      memory.set(value);
      engine.setMemory(value);
    };
    Object.defineProperty(this, kFiles, { value: files });
    Object.defineProperty(this, kEngine, { value: engine });
  }

  start(instance) {
    try {
      return super.start(instance);
    } finally {
      this.close();
    }
  }

  /**
   * What was written so far: `calls` and `bytes` by our engine, how many files
   * were `adopted`, and how many writes were `delegated` to Node's own.
   */
  get stats() {
    const { adopted, delegated } = this[kFiles];
    return { ...this[kEngine].stats(), adopted, delegated };
  }

  /**
   * Closes the descriptors that were copied for files which the guest opened.
   * `start` does it when the guest ends; a reactor's are also closed with
   * `fd_close` and when this object is collected. The guest can go on.
   */
  close() {
    this[kFiles].release();
  }
}

// Node 20 has no finalizeBindings: this does what that of Node 22 does.
if (!('finalizeBindings' in NodeWASI.prototype)) {
  const finalizeBindings = function finalizeBindings(instance, options = {}) {
    const kStarted = symbolOf(this, 'kStarted');
    if (this[kStarted]) throw alreadyStarted();
    checkObject(instance, 'instance');
    checkObject(instance.exports, 'instance.exports');
    const { memory = instance.exports.memory } = options;
    this[symbolOf(this, 'kSetMemory')](memory);
    this[symbolOf(this, 'kInstance')] = instance;
    this[kStarted] = true;
  };
  Object.defineProperty(WASI.prototype, 'finalizeBindings', {
    configurable: true,
    value: finalizeBindings,
    writable: true,
  });
}

module.exports = { WASI };
