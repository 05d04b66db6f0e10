'use strict';

// One guest of the class in lib/wasi.js: its imports and targets, and its end.

const { createGuestHost, flushAtExit, warnOf } = require('./engine');
const { accessDenied, invalidValue } = require('./errors');
const {
  bindingName,
  validateArray,
  validateBoolean,
  validateDescriptor,
  validateObject,
} = require('./node-checks');
const {
  pathOf,
  readOptions,
  suspendingOption,
  writeOptions,
} = require('./options');
const { Output } = require('./output');
const { TargetList, checkTarget } = require('./targets');
const { summarize } = require('./trace');

const STREAMS = ['stdin', 'stdout', 'stderr'];

/** An option: see `pipeClosed` in lib/output.js. */
const kPipeClosed = Symbol('wasi-writev.pipeClosed');

/** An option: the number of the run, for a guest that another thread has started. */
const kRun = Symbol('wasi-writev.run');

/** An option: streams as in lib/engine.js, instead of the caller's. */
const kStreams = Symbol('wasi-writev.streams');

function checkPermission() {
  const { permission } = process;
  if (permission !== undefined && !permission.has('wasi')) throw accessDenied();
}

function argsOf(args) {
  if (args === undefined) return [];
  validateArray(args, 'options.args');
  return args.map(String);
}

function envOf(env) {
  if (env === undefined) return [];
  validateObject(env, 'options.env');
  return Object.entries(env)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`);
}

function preopensOf(preopens) {
  if (preopens === undefined) return [];
  validateObject(preopens, 'options.preopens');
  return Object.entries(preopens).map(([guestName, hostPath]) => {
    if (guestName === '') {
      throw invalidValue('options.preopens', "must not name ''", preopens);
    }
    return [guestName, pathOf(String(hostPath))];
  });
}

/** A standard stream, in the form of lib/engine.js. */
function streamOf(fd, options, targets) {
  const opened = options[kStreams]?.[fd];
  if (opened !== undefined) return opened;
  const name = STREAMS[fd];
  const { [name]: target = fd } = options;
  const isNumber = typeof target === 'number' || fd === 0;
  if (isNumber) validateDescriptor(target, `options.${name}`);
  else checkTarget(target, `options.${name}`);
  return targets.streamOf(target);
}

// C strings end at a NUL.
function checkStrings(strings, name) {
  const wrong = strings.find((string) => string.includes('\0'));
  if (wrong !== undefined) {
    throw invalidValue(name, 'must not contain a NUL', wrong);
  }
}

/** What a guest is given as strings, checked. */
function stringsOf(options) {
  const strings = {
    args: argsOf(options.args),
    env: envOf(options.env),
    preopens: preopensOf(options.preopens),
  };
  checkStrings(strings.args, 'options.args');
  checkStrings(strings.env, 'options.env');
  checkStrings(strings.preopens.flat(), 'options.preopens');
  return strings;
}

class Guest {
  #captures;

  /** Where its writes go; also has its memory, flushes and counts. */
  output;

  /** The functions for the guest to import. */
  imports;

  /**
   * @param {object} options checked
   * @param {(code: number) => never} exit ends the guest
   */
  constructor(options, exit) {
    const targets = new TargetList(options);
    const streams = STREAMS.map((_, fd) => streamOf(fd, options, targets));
    const hostOptions = {
      ...options,
      ...stringsOf(options),
      streams,
      run: options[kRun],
    };
    const { returnOnExit = true } = options;
    validateBoolean(returnOnExit, 'options.returnOnExit');
    const output = new Output(hostOptions, targets, {
      createHost: createGuestHost,
      captures: streams.some(
        ({ capture, run }) => capture ?? run !== undefined,
      ),
      pipeClosed: options[kPipeClosed],
    });
    this.output = output;
    this.#captures = streams.map(({ capture }, fd) =>
      capture === undefined ? undefined : output.host.describe(fd).capture,
    );
    // The object is the host's own, so it may be changed.
    this.imports = Object.assign(output.host.imports, {
      fd_write: suspendingOption(options.suspending)
        ? this.#suspending(output.fd_write)
        : output.fd_write,
      fd_pwrite: output.fd_pwrite,
      proc_exit: (code) => {
        output.settle();
        if (!returnOnExit) this.#exitProcess(code);
        return exit(code);
      },
    });
  }

  // After a write that has filled a stream the guest is suspended until that has room.
  #suspending(fd_write) {
    return new WebAssembly.Suspending((...call) => {
      const errno = fd_write(...call);
      const drained = this.output.drained();
      return drained === undefined ? errno : drained.then(() => errno);
    });
  }

  // The process exits next, so report errors now.
  #exitProcess(code) {
    this.output.rethrow();
    this.output.throwUnwritten();
    flushAtExit();
    process.exit(code >>> 0);
  }

  /**
   * @param {() => number} run runs the guest
   * @returns {number} its exit code
   */
  start(run) {
    let exitCode;
    let thrown;
    try {
      exitCode = run();
    } catch (error) {
      thrown = { error };
    }
    return this.#finish(exitCode, thrown);
  }

  /** The same where `run` returns a promise. */
  async startAsync(run) {
    let exitCode;
    let thrown;
    try {
      exitCode = await run();
    } catch (error) {
      thrown = { error };
    }
    return this.#finish(exitCode, thrown);
  }

  #finish(exitCode, thrown) {
    const output = this.output;
    output.settle();
    if (thrown === undefined) output.dropUnread();
    summarize(output);
    // An error of a function target is the cause of all that followed.
    output.rethrow();
    if (thrown !== undefined) throw thrown.error;
    output.throwUnwritten({ exitCode });
    return exitCode;
  }

  /** The bytes captured from the guest's stdout or stderr, or null. */
  captured(fd) {
    return this.output.captured(this.#captures[fd]);
  }

  /** What was written so far, and whether the captures have all of it. */
  stats() {
    const [, stdout, stderr] = this.#captures;
    return {
      ...this.output.stats(),
      stdoutTruncated: this.output.isCut(stdout),
      stderrTruncated: this.output.isCut(stderr),
    };
  }

  dispose() {
    const left = this.output.abandon();
    if (left !== undefined) warnOf(left);
    this.output.host.close();
    this.output.host.freeCaptures();
  }
}

/** Checks the options given to `WASI`, and creates its guest. */
function createGuest(given, exit) {
  checkPermission();
  validateObject(given, 'options');
  const options = readOptions(given);
  const name = bindingName(options.version);
  const checked = { ...options, ...writeOptions(options) };
  return { bindingName: name, guest: new Guest(checked, exit) };
}

module.exports = {
  checkPermission,
  createGuest,
  kPipeClosed,
  kRun,
  kStreams,
  stringsOf,
};
