'use strict';

// Node's own WASI. Only JS calls it: wasm would call it through V8's fast API, in
// which Node 20 and 22 crash (nodejs/node#46777, #53087).

const fs = require('node:fs');
const { createRequire } = require('node:module');
const { preopenFailed } = require('../errors');
const { ERRNO } = require('../preview1');

const PAGE = 65536;
const SCRATCH_PAGES = 32;

let NodeWASI;

/**
 * Loads node:wasi without its warning. Keeps its class, since the preload replaces
 * it.
 */
function loadModule() {
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    if (!/WASI/.test(warning)) emitWarning.call(process, warning, ...rest);
  };
  try {
    // Rollup leaves a `require` in a `try` as it is, and an ES module has none.
    const wasi = createRequire(process.execPath)('node:wasi');
    NodeWASI ??= wasi.WASI;
    return wasi;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Whether a path is no directory that this process can open. */
function cannotOpen(hostPath) {
  try {
    fs.opendirSync(fs.realpathSync.native(hostPath)).closeSync();
    return false;
  } catch ({ code }) {
    // Node's permissions do not bind node:wasi.
    return code !== 'ERR_ACCESS_DENIED';
  }
}

function createNodeWASI({ args, env, preopens, streams }) {
  if (NodeWASI === undefined) loadModule();
  // A target has no descriptor, but Node requires one. It is never used.
  const spare = streams.find(({ hostFd }) => hostFd !== undefined)?.hostFd ?? 0;
  const [stdin, stdout, stderr] = streams.map(({ hostFd = spare }) => hostFd);
  const variables = env.map((variable) => {
    const at = variable.indexOf('=');
    return [variable.slice(0, at), variable.slice(at + 1)];
  });
  const options = {
    version: 'preview1', // the other version has the same functions
    args,
    env: Object.fromEntries(variables),
    preopens: Object.fromEntries(preopens),
    stdin,
    stdout,
    stderr,
    returnOnExit: true,
  };
  try {
    return new NodeWASI(options);
  } catch (error) {
    const failed = preopens.find(([, hostPath]) => cannotOpen(hostPath));
    if (failed === undefined || error.syscall !== 'uvwasi_init') throw error;
    throw preopenFailed(error.errno, ...failed);
  }
}

/** Node's function under its own symbol kSetMemory. */
function setMemoryOf(wasi) {
  const symbol = Object.getOwnPropertySymbols(wasi).find(
    ({ description }) => description === 'kSetMemory',
  );
  if (symbol === undefined) {
    throw new Error('node:wasi has no kSetMemory in this version of Node');
  }
  return wasi[symbol];
}

/**
 * Node's calls, on the guest's memory or on a scratch memory, for arguments that the
 * guest's memory cannot hold, and results that the guest must not see. Node rejects
 * negative numbers, and a wrong number of arguments.
 */
class NodeCalls {
  #functions;
  #memory;
  #scratch;
  #setMemory;
  #used; // the memory that Node has been given

  /**
   * @param {object} options as in createGuestHost of ./host.js
   * @param {import('../memory').GuestMemory} memory
   */
  constructor(options, memory) {
    const wasi = createNodeWASI(options);
    this.#functions = wasi.wasiImport;
    this.#setMemory = setMemoryOf(wasi);
    this.#memory = memory;
  }

  // V8 may end JS between any two calls, so each call checks the memory.
  #use(memory) {
    if (this.#used === memory) return;
    this.#used = undefined;
    this.#setMemory(memory);
    this.#used = memory;
  }

  call(name, ...values) {
    this.#use(this.#memory.memory);
    return this.#functions[name](...values);
  }

  get #own() {
    this.#scratch ??= new WebAssembly.Memory({
      initial: 2,
      maximum: SCRATCH_PAGES,
    });
    return this.#scratch;
  }

  /** The scratch memory, grown to at least `size` bytes. Its limit is 2 MiB. */
  scratch(size) {
    const memory = this.#own;
    const missing = size - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    return new Uint8Array(memory.buffer);
  }

  callOnScratch(name, ...values) {
    this.#use(this.#own);
    return this.#functions[name](...values);
  }

  closeFd(nodeFd) {
    return this.callOnScratch('fd_close', nodeFd);
  }

  /** @returns {{ errno: number, filetype: number }} */
  filetype(nodeFd) {
    const bytes = this.scratch(PAGE);
    const errno = this.callOnScratch('fd_fdstat_get', nodeFd, 0);
    return { errno, filetype: errno === ERRNO.SUCCESS ? bytes[0] : 0 };
  }
}

module.exports = { NodeCalls, loadModule };
