'use strict';

// A wasm tool in one call: load, link, start, and clean up.

const path = require('node:path');
const { types } = require('node:util');
const {
  checkKnownOptions,
  checkObject,
  invalidType,
  invalidValue,
  isObject,
} = require('./errors');
const { GUEST_OPTIONS, WRITE_OPTIONS, pick } = require('./options');
const { kStreams } = require('./guest');
const { link, loadSync } = require('./source');
const { WASI, dispose } = require('./wasi');

const RUN_OPTIONS = [
  'args',
  'argv0',
  'env',
  'preopens',
  'stdin',
  'stdout',
  'stderr',
  'encoding',
  'imports',
  ...WRITE_OPTIONS,
  ...GUEST_OPTIONS,
];

const copyOf = (value) => (isObject(value) ? { ...value } : value);

/**
 * Checks the options, and takes a copy: a program may be compiled while the caller
 * changes its own.
 */
function checkRunOptions(given, known) {
  checkObject(given, 'options');
  checkKnownOptions(given, known);
  const options = pick(given, known);
  const { args = [], argv0, encoding = 'buffer', imports = {} } = options;
  if (!Array.isArray(args)) {
    throw invalidType('options.args', 'an array', args);
  }
  if (argv0 !== undefined && typeof argv0 !== 'string') {
    throw invalidType('options.argv0', 'a string', argv0);
  }
  if (encoding !== 'buffer' && !Buffer.isEncoding(encoding)) {
    throw invalidValue(
      'options.encoding',
      "must be 'buffer' or an encoding of Buffer",
      encoding,
    );
  }
  checkObject(imports, 'options.imports');
  return {
    ...options,
    args: [...args],
    encoding,
    env: copyOf(options.env),
    preopens: copyOf(options.preopens),
  };
}

/**
 * The standard streams of a run: options of `WASI`, and what the host is to open for
 * it, so that it is closed however the run ends.
 */
function streamsOf({
  stdin = 'inherit',
  stdout = 'capture',
  stderr = 'capture',
}) {
  const opened = [undefined, undefined, undefined];
  const input = () => {
    if (stdin === 'inherit') return 0;
    if (typeof stdin === 'number') return stdin;
    if (stdin === 'ignore') opened[0] = {};
    else if (typeof stdin === 'string')
      opened[0] = { bytes: Buffer.from(stdin) };
    else if (types.isUint8Array(stdin)) opened[0] = { bytes: stdin };
    else {
      throw invalidType(
        'options.stdin',
        "'inherit', 'ignore', a file descriptor, a string or a Uint8Array",
        stdin,
      );
    }
    return undefined;
  };
  const output = (target, fd) => {
    if (target === 'inherit') return fd;
    if (target !== 'ignore') return target;
    opened[fd] = {};
    return undefined;
  };
  return {
    stdin: input(),
    stdout: output(stdout, 1),
    stderr: output(stderr, 2),
    [kStreams]: opened,
  };
}

/** What `WASI` must be told for a run of a program. */
function wasiOptions({ module, file }, options, streams) {
  const { args, env, preopens } = options;
  const argv0 = options.argv0 ?? (file ? path.basename(file) : 'wasm');
  const old = WebAssembly.Module.imports(module).some(
    ({ module: space }) => space === 'wasi_unstable',
  );
  return {
    ...pick(options, [...WRITE_OPTIONS, ...GUEST_OPTIONS]),
    buffered: options.buffered ?? 'auto',
    version: old ? 'unstable' : 'preview1',
    args: [argv0, ...args],
    env,
    preopens,
    ...streams,
  };
}

/** The exports, with the memory also if it is imported. */
function exportsOf(module, instance, imports) {
  const exports = { ...instance.exports };
  if (exports.memory !== undefined) return exports;
  const needed = WebAssembly.Module.imports(module).find(
    ({ kind }) => kind === 'memory',
  );
  const memory = needed && imports[needed.module][needed.name];
  return { ...exports, memory };
}

/**
 * Runs a program of lib/source.js.
 *
 * @param {object} [internal] options that are not public
 * @param {(start: Function) => Function} [wrap] makes the function that starts it
 */
function execute(program, options, internal, wrap) {
  const streams = { ...streamsOf(options), ...internal };
  const wasi = new WASI(wasiOptions(program, options, streams));
  try {
    const imports = { ...options.imports, ...wasi.getImportObject() };
    const instance = link(program, imports);
    const exports = exportsOf(program.module, instance, imports);
    if (wrap !== undefined) exports._start = wrap(exports._start);
    return finish(wasi, { exports }, options);
  } finally {
    // Else the collector does, or the end of the thread.
    dispose(wasi);
  }
}

/**
 * Whether an error can have the output of a tool. An exception of WebAssembly and a
 * DOMException are no native errors. One that has an output of its own, like the error
 * of a child process, keeps it.
 */
const canHold = (error) =>
  typeof error === 'object' &&
  error !== null &&
  Object.isExtensible(error) &&
  !('stdout' in error);

function finish(wasi, instance, { encoding }) {
  const decode = (bytes) =>
    encoding === 'buffer' || bytes === null ? bytes : bytes.toString(encoding);
  const output = () => {
    const { stdoutTruncated, stderrTruncated } = wasi.stats;
    return {
      stdout: decode(wasi.stdout),
      stdoutTruncated,
      stderr: decode(wasi.stderr),
      stderrTruncated,
    };
  };
  try {
    const exitCode = wasi.start(instance);
    return { exitCode, ...output() };
  } catch (error) {
    // What the tool said before it ended like this often says why.
    if (canHold(error)) Object.assign(error, output());
    throw error;
  }
}

/** See lib/index.d.ts. */
function runSync(source, options = {}) {
  const taken = checkRunOptions(options, RUN_OPTIONS);
  return execute(loadSync(source), taken);
}

module.exports = {
  RUN_OPTIONS,
  canHold,
  checkRunOptions,
  execute,
  runSync,
};
