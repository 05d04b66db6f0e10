'use strict';

// The drop-in for node:wasi: a class with the same members.

// Loaded with the first guest, since it is most of the package.
const loadGuest = () => require('./guest');
const loadChecks = () => require('./node-checks');
const loadErrors = () => require('./errors');
const loadMemory = () => require('./memory');

// Own properties under symbols, like Node's. Packages look these up by description,
// and wrap instances in a Proxy, where private fields would not work.
const kBind = Symbol('kBind');
const kBindingName = Symbol('kBindingName');
const kExitCode = Symbol('kExitCode');
const kInstance = Symbol('kInstance');
const kSetMemory = Symbol('kSetMemory');
const kStarted = Symbol('kStarted');
const kGuest = Symbol('wasi-writev.guest');

/**
 * Node's `WASI`: options, members, errors and behaviour are Node's unless
 * lib/index.d.ts says otherwise. Source: Node docs, `WASI`.
 */
class WASI {
  constructor(options = {}) {
    const { createGuest } = loadGuest();
    const { bindingName, guest } = createGuest(options, (code) => {
      this[kExitCode] = code;
      throw kExitCode;
    });
    this[kBindingName] = bindingName;
    this[kSetMemory] = (memory) => {
      if (!loadMemory().isMemory(memory)) throw loadErrors().invalidMemory();
      guest.output.setMemory(memory);
    };
    this[kStarted] = false;
    this[kExitCode] = 0;
    this[kInstance] = undefined;
    this.wasiImport = guest.imports;
    Object.defineProperty(this, kGuest, { value: guest });
  }

  finalizeBindings(instance, { memory = instance?.exports?.memory } = {}) {
    const { validateInstance } = loadChecks();
    if (this[kStarted]) throw loadErrors().alreadyStarted();
    validateInstance(instance);
    this[kSetMemory](memory);
    this[kInstance] = instance;
    this[kStarted] = true;
  }

  start(instance) {
    const _start = this[kBind](instance);
    return this[kGuest].start(() => {
      try {
        _start();
      } catch (error) {
        if (error !== kExitCode) throw error;
      }
      return this[kExitCode];
    });
  }

  async startAsync(instance) {
    if (WebAssembly.promising === undefined) {
      throw loadErrors().noSuspending('startAsync()');
    }
    const start = WebAssembly.promising(this[kBind](instance));
    return this[kGuest].startAsync(async () => {
      try {
        await start();
      } catch (error) {
        if (error !== kExitCode) throw error;
      }
      return this[kExitCode];
    });
  }

  /** Binds a command. Returns its _start. */
  [kBind](instance) {
    const { validateFunction, validateUndefined } = loadChecks();
    this.finalizeBindings(instance);
    const { _start, _initialize } = this[kInstance].exports;
    const reactor = '. For a reactor, call initialize()';
    validateFunction(_start, 'instance.exports._start', reactor);
    validateUndefined(_initialize, 'instance.exports._initialize');
    return _start;
  }

  initialize(instance) {
    const { validateFunction, validateUndefined } = loadChecks();
    this.finalizeBindings(instance);
    const { _start, _initialize } = this[kInstance].exports;
    const command = '. For a command, call start()';
    validateUndefined(_start, 'instance.exports._start', command);
    if (_initialize === undefined) return;
    validateFunction(_initialize, 'instance.exports._initialize');
    _initialize();
  }

  getImportObject() {
    return { [this[kBindingName]]: this.wasiImport };
  }

  get stdout() {
    return this[kGuest].captured(1);
  }

  get stderr() {
    return this[kGuest].captured(2);
  }

  get stats() {
    return this[kGuest].stats();
  }

  flush() {
    this[kGuest].output.flush();
  }

  discard() {
    return this[kGuest].output.discard();
  }

  close() {
    this[kGuest].output.close();
  }
}

/** Closes everything a guest has open, once it will not run again. */
function dispose(wasi) {
  wasi[kGuest].dispose();
}

module.exports = { WASI, dispose };
