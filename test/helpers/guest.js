'use strict';

// Guests, and access to their memory.

const fs = require('node:fs');
const path = require('node:path');
const { WASI, createWrites } = require('../..');

const modules = new Map();

/** The compiled module of test/guests/NAME.wasm. */
function compile(name) {
  if (!modules.has(name)) {
    const file = path.join(__dirname, '..', 'guests', `${name}.wasm`);
    modules.set(name, new WebAssembly.Module(fs.readFileSync(file)));
  }
  return modules.get(name);
}

const UNUSED = () => {
  throw new Error('a call that this guest was not given');
};

/** An import object of `functions`, with stubs for all other imports. */
function importsFor(module, functions, extra = {}) {
  const imports = { ...extra };
  for (const { module: space, name, kind } of WebAssembly.Module.imports(
    module,
  )) {
    if (kind !== 'function') continue;
    imports[space] ??= {};
    imports[space][name] ??= functions[name] ?? UNUSED;
  }
  return imports;
}

/** Writes a list of [pointer, length] to `at` in a memory. */
function putIovs(memory, at, list) {
  const data = new DataView(memory.buffer);
  list.forEach(([pointer, length], i) => {
    data.setUint32(at + 8 * i, pointer, true);
    data.setUint32(at + 8 * i + 4, length, true);
  });
}

/** Writes bytes or text to `at`. Returns how many bytes. */
function putBytes(memory, at, bytes) {
  bytes = Buffer.from(bytes);
  new Uint8Array(memory.buffer).set(bytes, at);
  return bytes.length;
}

const u32 = (memory, at) => new DataView(memory.buffer).getUint32(at, true);

/**
 * The guest `calls` under `createWrites`.
 *
 * @returns {{ guest: object, memory: WebAssembly.Memory, writes: object }}
 *   `guest` has every WASI call as a function
 */
function withWrites(options, name = 'calls') {
  const writes = createWrites(options);
  const module = compile(name);
  const { exports } = new WebAssembly.Instance(
    module,
    importsFor(module, writes.wasiImport),
  );
  writes.setMemory(exports.memory);
  return { guest: exports, memory: exports.memory, writes };
}

/** The guest `calls` under our `WASI`, begun by `finalizeBindings`. */
function withWASI(options, name = 'calls') {
  const wasi = new WASI({ version: 'preview1', ...options });
  const instance = new WebAssembly.Instance(
    compile(name),
    wasi.getImportObject(),
  );
  wasi.finalizeBindings(instance);
  return { guest: instance.exports, memory: instance.exports.memory, wasi };
}

module.exports = {
  compile,
  importsFor,
  putBytes,
  putIovs,
  u32,
  withWASI,
  withWrites,
};
