'use strict';

// One guest of the class in lib/wasi.js: what is laid over an instance of Node's
// WASI, and what becomes of it when the guest ends.

const { flushAtExit } = require('./combiner');
const { checkTypes, createDelegates } = require('./delegates');
const {
  alreadyStarted,
  checkObject,
  isObject,
  notNodesWASI,
} = require('./errors');
const { flushing } = require('./flushing');
const { GuestFiles, STDIO } = require('./guest-files');
const hostFds = require('./host-fds');
const { GuestMemory } = require('./memory');
const { readOptions, writeOptions } = require('./options');
const { Output } = require('./output');
const { Scratch } = require('./scratch');
const { checkTarget } = require('./targets');
const { summarize } = require('./trace');

/** An option: the streams that are closed with the guest, guest fd to host fd. */
const kOwnedStreams = Symbol('wasi-writev.ownedStreams');
/** An option: see `pipeClosed` in lib/output.js. */
const kPipeClosed = Symbol('wasi-writev.pipeClosed');

/** The own symbol of Node's WASI that has this description. */
function symbolOf(wasi, description) {
  return Object.getOwnPropertySymbols(wasi).find(
    (symbol) => symbol.description === description,
  );
}

/** Under which Node's WASI has the function that takes the memory. */
function setMemorySymbol(wasi) {
  const symbol = symbolOf(wasi, 'kSetMemory');
  if (symbol === undefined) throw notNodesWASI();
  return symbol;
}

/** Does what that of Node 22 does: Node 20 has none. */
function finalizeBindings(wasi, instance, options) {
  const kStarted = symbolOf(wasi, 'kStarted');
  if (wasi[kStarted]) throw alreadyStarted();
  checkObject(instance, 'instance');
  checkObject(instance.exports, 'instance.exports');
  const { memory = instance.exports.memory } = options;
  wasi[setMemorySymbol(wasi)](memory);
  wasi[symbolOf(wasi, 'kInstance')] = instance;
  wasi[kStarted] = true;
}

// Where a stream is no descriptor, Node gets one of /dev/null. Node closes that
// with the guest's fd; if the guest never does and is collected, it is done here.
function closeAll(placeholders) {
  for (const hostFd of placeholders.values()) hostFds.close(hostFd);
}

const forgotten = new FinalizationRegistry(closeAll);

function withPlaceholders(options, placeholders) {
  const forNode = { ...options };
  for (const fd of [1, 2]) {
    const name = STDIO[fd];
    const target = options[name];
    if (target === undefined || typeof target === 'number') continue;
    checkTarget(target, `options.${name}`);
    forNode[name] = hostFds.openNull('w');
    placeholders.set(fd, forNode[name]);
  }
  return forNode;
}

/**
 * Checks what is ours among the options, and makes those for Node's constructor,
 * with a placeholder for each stream that is no descriptor. Node's own are left to
 * Node. The placeholders are the caller's to close until there is a `Guest`.
 */
function prepare(given) {
  const placeholders = new Map(given?.[kOwnedStreams]);
  if (!isObject(given)) return { forNode: given, placeholders };
  try {
    const options = readOptions(given);
    return {
      options: { ...options, ...writeOptions(options) },
      pipeClosed: given[kPipeClosed],
      forNode: withPlaceholders(options, placeholders),
      placeholders,
    };
  } catch (error) {
    closeAll(placeholders);
    throw error;
  }
}

class Guest {
  #files;
  #memory = new GuestMemory();
  #output;
  #started = 0; // times that it was given its memory
  #streams;

  /** The functions for the guest to import. */
  imports;

  /**
   * @param {object} node the import functions of Node's WASI
   * @param {(memory: WebAssembly.Memory) => void} setMemory of Node's WASI
   * @param {object} prepared what `prepare` made of the options
   */
  constructor(node, setMemory, { options, pipeClosed, placeholders }) {
    const { stdin = 0, stdout = 1, stderr = 2 } = options;
    const memory = this.#memory;
    const scratch = new Scratch(memory, setMemory);
    const delegates = createDelegates(node, memory, scratch);
    const preopens = Object.keys(options.preopens ?? {}).length;
    const files = new GuestFiles(delegates, memory, scratch, preopens);
    const staging =
      options.buffered !== false ||
      stdout === 'capture' ||
      stderr === 'capture';
    const output = new Output(
      options,
      {
        next: (...call) => files.write(...call),
        prepare: (fd) => files.prepare(fd),
        pipeClosed,
      },
      staging,
    );
    this.#files = files;
    this.#output = output;
    this.#streams = files.attach(output, [stdin, stdout, stderr], placeholders);
    if (placeholders.size > 0) forgotten.register(node, placeholders);

    const imports = { ...delegates, ...files.imports() };
    // With `returnOnExit` Node keeps the number as wasm passed it.
    const returns = options.returnOnExit ?? true;
    const exit = returns ? node.proc_exit : delegates.proc_exit;
    this.imports = {
      ...checkTypes(staging ? flushing(imports, output) : imports),
      fd_write: output.fd_write,
      fd_pwrite: output.fd_pwrite,
      proc_exit: (code) => {
        output.settle();
        // With the process would go whoever could be told.
        if (!returns) {
          output.rethrow();
          output.throwUnwritten();
          flushAtExit();
        }
        files.release();
        return exit(code);
      },
    };
  }

  setMemory(memory) {
    this.#started++;
    this.#memory.set(memory);
    this.#output.setMemory(memory);
  }

  /**
   * @param {() => number} run runs the guest, after `setMemory`
   * @returns {number} its exit code
   */
  start(run) {
    const output = this.#output;
    let exitCode;
    let thrown;
    const before = this.#started;
    try {
      exitCode = run();
    } catch (error) {
      // Node refuses one that has started: that one goes on.
      if (this.#started === before) throw error;
      thrown = { error };
    }
    output.settle();
    this.release();
    summarize(this);
    // What a function target threw is the cause of whatever came after.
    output.rethrow();
    if (thrown !== undefined) throw thrown.error;
    output.throwUnwritten({ exitCode });
    return exitCode;
  }

  /** What the guest's stdout or stderr has captured, or null. */
  captured(fd) {
    return this.#output.captured(this.#streams[fd]);
  }

  get stats() {
    const { adopted, delegated } = this.#files;
    return { ...this.#output.stats(), adopted, delegated };
  }

  flush() {
    this.#output.flush();
  }

  discard() {
    return this.#output.discard();
  }

  release() {
    this.#files.release();
  }

  /** Closes all that a guest which is not going on has open, preopens included. */
  dispose() {
    this.#output.abandon();
    this.release();
    this.#files.closeAll();
  }
}

module.exports = {
  Guest,
  closeAll,
  finalizeBindings,
  kOwnedStreams,
  kPipeClosed,
  prepare,
  setMemorySymbol,
};
