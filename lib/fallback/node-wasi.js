'use strict';

// Node's own WASI. A call goes to it from JS alone: V8 has a way from wasm straight
// into it, in which Node 20 and 22 crash (nodejs/node#46777, #53087).

const fs = require('node:fs');
const { createRequire } = require('node:module');
const { ERRNO } = require('../preview1');

const PAGE = 65536;
const SCRATCH_PAGES = 32;

let NodeWASI;

/**
 * node:wasi, without its warning that WASI is experimental. Its class is kept: the
 * preload puts another in its place.
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

function createNodeWASI({ args, env, preopens, streams }) {
  if (NodeWASI === undefined) loadModule();
  // A target has no descriptor. Node wants one, and never gets to use it.
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
    const missing = preopens.find(([, hostPath]) => !fs.existsSync(hostPath));
    if (missing !== undefined) error.message += ` '${missing[1]}'`;
    throw error;
  }
}

/** The function under the own symbol of Node's WASI that has this description. */
function setMemoryOf(wasi) {
  const symbol = Object.getOwnPropertySymbols(wasi).find(
    ({ description }) => description === 'kSetMemory',
  );
  if (symbol === undefined) {
    throw new Error('node:wasi has no kSetMemory: this Node is not known');
  }
  return wasi[symbol];
}

/**
 * Node's calls, on the guest's memory or on one of ours: for arguments that the
 * guest's memory cannot hold, and results that are not for it. Numbers must be
 * unsigned, and as many as the call has parameters: Node refuses others.
 */
class NodeCalls {
  #functions;
  #memory;
  #scratch;
  #setMemory;
  #used; // the memory that Node has

  /**
   * @param {object} options as createGuestHost in ./host.js has them
   * @param {import('../memory').GuestMemory} memory
   */
  constructor(options, memory) {
    const wasi = createNodeWASI(options);
    this.#functions = wasi.wasiImport;
    this.#setMemory = setMemoryOf(wasi);
    this.#memory = memory;
  }

  // V8 may end JS between any two calls: then nothing here is put back, and the
  // next call must find out.
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

  /** The memory of `callOnScratch`, at least `size` bytes, of at most 2 MiB. */
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
