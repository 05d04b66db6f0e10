'use strict';

// Reads, compiles, checks and links the program of a run. Errors name the file, and say
// what to do.

const fs = require('node:fs');
const path = require('node:path');
const { inspect, types } = require('node:util');
const { invalidType, withCode, withPath } = require('./errors');
const { pathOf } = require('./options');

const isBytes = (value) =>
  ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);

// V8 compiles no DataView and no shared bytes.
function bytesOf(source) {
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  return types.isSharedArrayBuffer(bytes.buffer) ? bytes.slice() : bytes;
}

// Also for a module of another realm.
function isModule(value) {
  try {
    WebAssembly.Module.imports(value);
    return true;
  } catch {
    return false;
  }
}

/** The path of a source that names a file, or undefined. */
function fileOf(source) {
  if (typeof source === 'string' || source instanceof URL) {
    return pathOf(source);
  }
  if (isBytes(source) || isModule(source)) return undefined;
  throw invalidType(
    'source',
    'a path, a URL, bytes or a WebAssembly.Module',
    source,
  );
}

const nameOf = (file) => (file === undefined ? 'source' : `'${file}'`);

const COMPONENT =
  'it is a component. `jco transpile` makes JavaScript of it; or build the ' +
  'program for wasm32-wasip1';

/** Says why bytes do not compile, if their beginning shows it. */
function whyNoModule(bytes) {
  const head = Buffer.from(bytes.subarray(0, 24));
  const text = head.toString('latin1');
  if (text === '') return 'it is empty';
  if (text.startsWith('\0asm')) return head[6] === 1 ? COMPONENT : undefined;
  return /^\s*(;;|\(;|\((module|component)\b)/.test(text)
    ? 'it is the text format. Assemble it, as with wat2wasm'
    : `it begins with ${inspect(text)}`;
}

/** The error for a file that cannot be read, or `bytes` that do not compile. */
function explain(error, file, bytes) {
  if (bytes === undefined) return withPath(error, file);
  if (!(error instanceof WebAssembly.CompileError)) return error;
  const why = whyNoModule(bytes) ?? error.message;
  return new WebAssembly.CompileError(
    `${nameOf(file)} is not a WebAssembly module: ${why}`,
    { cause: error },
  );
}

/** Throws for a module that is not a command. */
function checked(module, file) {
  const names = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (names.includes('_start')) return { module, file };
  const why = names.includes('_initialize')
    ? 'is a reactor: it exports _initialize, and no _start to run. ' +
      'Use WASI and its initialize()'
    : 'is not a WASI command: it exports no _start';
  throw withCode(
    new TypeError(`${nameOf(file)} ${why}`),
    'ERR_INVALID_ARG_VALUE',
  );
}

/**
 * @param {unknown} source as `run` takes it
 * @returns {Promise<{ module: WebAssembly.Module, file: string | undefined }>}
 */
async function load(source) {
  const file = fileOf(source);
  if (isModule(source)) return checked(source, file);
  let bytes = file === undefined ? bytesOf(source) : undefined;
  try {
    // The working directory may change before a thread opens it.
    bytes ??= await fs.promises.readFile(path.resolve(file));
    return checked(await WebAssembly.compile(bytes), file);
  } catch (error) {
    throw explain(error, file, bytes);
  }
}

/** `load`, on the calling thread. */
function loadSync(source) {
  const file = fileOf(source);
  if (isModule(source)) return checked(source, file);
  let bytes = file === undefined ? bytesOf(source) : undefined;
  try {
    bytes ??= fs.readFileSync(file);
    return checked(new WebAssembly.Module(bytes), file);
  } catch (error) {
    throw explain(error, file, bytes);
  }
}

/** Links, or throws a LinkError. V8 throws a TypeError if a module is missing. */
function link({ module, file }, imports) {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (error) {
    const missing = WebAssembly.Module.imports(module).find(
      (each) => imports[each.module]?.[each.name] === undefined,
    );
    const isMissing = error instanceof TypeError && missing !== undefined;
    if (!isMissing && !(error instanceof WebAssembly.LinkError)) throw error;
    const why = missing
      ? `it imports ${missing.module}.${missing.name} (${missing.kind}), which ` +
        'neither WASI nor options.imports has'
      : error.message;
    throw new WebAssembly.LinkError(
      `${nameOf(file)} cannot be linked: ${why}`,
      { cause: error },
    );
  }
}

module.exports = { link, load, loadSync };
