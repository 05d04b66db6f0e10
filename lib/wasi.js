'use strict';

// The drop-in for node:wasi.

const { WASI: NodeWASI } = require('node:wasi');
const { flushAtExit } = require('./combiner');
const { checkTypes, createDelegates } = require('./delegates');
const { alreadyStarted, checkObject } = require('./errors');
const { flushing } = require('./flushing');
const { GuestFiles, STDIO } = require('./guest-files');
const hostFds = require('./host-fds');
const { GuestMemory } = require('./memory');
const { writeOptions } = require('./options');
const { Output } = require('./output');
const { Scratch } = require('./scratch');
const { checkTarget } = require('./targets');
const { summarize } = require('./trace');

// Own properties under symbols, as Node's: packages wrap instances in a Proxy,
// which private fields would not survive.
const kFiles = Symbol('wasi-writev.files');
/** An option: the streams that are closed with the guest, guest fd to host fd. */
const kOwnedStreams = Symbol('wasi-writev.ownedStreams');
/** An option: see `pipeClosed` in lib/output.js. */
const kPipeClosed = Symbol('wasi-writev.pipeClosed');
const kOutput = Symbol('wasi-writev.output');
const kStreams = Symbol('wasi-writev.streams');

/** The own symbol of Node's WASI that has this description. */
function symbolOf(wasi, description) {
  return Object.getOwnPropertySymbols(wasi).find(
    (symbol) => symbol.description === description,
  );
}

// Where a stream is no descriptor, Node gets one of /dev/null. Node closes that
// with the guest's fd; if the guest never does and is collected, it is done here.
function closeAll(placeholders) {
  for (const hostFd of placeholders.values()) hostFds.close(hostFd);
}

const forgotten = new FinalizationRegistry(closeAll);

function withPlaceholders(options, placeholders) {
  const targets = { 1: options.stdout, 2: options.stderr };
  const replaced = {};
  for (const [fd, target] of Object.entries(targets)) {
    if (target === undefined || typeof target === 'number') continue;
    checkTarget(target, `options.${STDIO[fd]}`);
    replaced[STDIO[fd]] = Number(fd);
  }
  const forNode =
    Object.keys(replaced).length === 0 ? options : Object.create(options);
  for (const [name, fd] of Object.entries(replaced)) {
    const value = hostFds.openNull('w');
    placeholders.set(fd, value);
    Object.defineProperty(forNode, name, { value });
  }
  return forNode;
}

/**
 * Checks what is ours among the options, and makes those for Node's constructor,
 * with a placeholder for each stream that is no descriptor. Node's options are
 * left to Node, also how it reads them.
 */
function prepare(options) {
  const placeholders = new Map(options?.[kOwnedStreams]);
  if (typeof options !== 'object' || options === null) {
    return { forNode: options, placeholders };
  }
  try {
    const checked = writeOptions(options);
    const forNode = withPlaceholders(options, placeholders);
    return { checked, forNode, placeholders };
  } catch (error) {
    closeAll(placeholders);
    throw error;
  }
}

/**
 * Node's `WASI` with our `fd_write` and `fd_pwrite`. Options, members, errors and
 * behaviour are those of Node where lib/index.d.ts does not say otherwise.
 */
class WASI extends NodeWASI {
  constructor(options) {
    const { checked, forNode, placeholders } = prepare(options);
    try {
      super(forNode);
      this.#setUp(options, checked, placeholders);
    } catch (error) {
      closeAll(placeholders);
      throw error;
    }
  }

  #setUp(options, checked, placeholders) {
    const { stdin = 0, stdout = 1, stderr = 2 } = options;
    const node = this.wasiImport;
    const memory = new GuestMemory();
    const kSetMemory = symbolOf(this, 'kSetMemory');
    const setMemory = this[kSetMemory];
    const scratch = new Scratch(memory, setMemory);
    const delegates = createDelegates(node, memory, scratch);
    const preopens = Object.keys(options.preopens ?? {}).length;
    const files = new GuestFiles(delegates, memory, scratch, preopens);
    const staging =
      checked.buffered !== false ||
      stdout === 'capture' ||
      stderr === 'capture';
    const output = new Output(
      checked,
      {
        next: (...call) => files.write(...call),
        prepare: (fd) => files.prepare(fd),
        pipeClosed: options[kPipeClosed],
      },
      staging,
    );
    const streams = files.attach(output, [stdin, stdout, stderr], placeholders);
    if (placeholders.size > 0) forgotten.register(node, placeholders);

    const imports = { ...delegates, ...files.imports() };
    // With `returnOnExit` Node keeps the number as wasm passed it.
    const returns = options.returnOnExit ?? true;
    const exit = returns ? node.proc_exit : delegates.proc_exit;
    this.wasiImport = {
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

    // Node hands the memory over by this function, and so do packages that look
    // the symbol up: @emnapi/wasi-threads does in its workers.
    this[kSetMemory] = (value) => {
      setMemory(value);
      memory.set(value);
      output.setMemory(value);
    };
    Object.defineProperty(this, kFiles, { value: files });
    Object.defineProperty(this, kOutput, { value: output });
    Object.defineProperty(this, kStreams, { value: streams });
  }

  start(instance) {
    const output = this[kOutput];
    let exitCode;
    let thrown;
    try {
      exitCode = super.start(instance);
    } catch (error) {
      thrown = { error };
    }
    output.settle();
    this[kFiles].release();
    summarize(this);
    // What a function target threw is the cause of whatever came after.
    output.rethrow();
    if (thrown !== undefined) throw thrown.error;
    output.throwUnwritten({ exitCode });
    return exitCode;
  }

  get stdout() {
    return this[kOutput].captured(this[kStreams][1]);
  }

  get stderr() {
    return this[kOutput].captured(this[kStreams][2]);
  }

  get stats() {
    const { adopted, delegated } = this[kFiles];
    return { ...this[kOutput].stats(), adopted, delegated };
  }

  flush() {
    this[kOutput].flush();
  }

  close() {
    this[kFiles].release();
  }
}

/** Closes all that a guest which is not going on has open, preopens included. */
function dispose(wasi) {
  wasi[kOutput].abandon();
  wasi[kFiles].release();
  wasi[kFiles].closeAll();
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

module.exports = { WASI, dispose, kOwnedStreams, kPipeClosed };
