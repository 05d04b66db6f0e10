'use strict';

// The guest `calls`, with each kind of memory: exported, imported or shared.

const { compile, importsFor } = require('./guest');

const KINDS = {
  exported: { name: 'calls' },
  imported: {
    name: 'calls-imported-memory',
    options: { initial: 2, maximum: 65536 },
  },
  shared: {
    name: 'calls-shared-memory',
    options: { initial: 2, maximum: 65536, shared: true },
  },
};

const MEMORY_KINDS = Object.keys(KINDS);

/**
 * @param {string} kind one of MEMORY_KINDS
 * @param {object} functions the import functions of a WASI
 * @returns {{ instance: object, guest: object, memory: WebAssembly.Memory }} the
 *   memory has two pages; the WASI does not have it yet
 */
function makeGuest(kind, functions) {
  const { name, options } = KINDS[kind];
  const module = compile(name);
  const own = options && new WebAssembly.Memory(options);
  const instance = new WebAssembly.Instance(
    module,
    importsFor(module, functions, own && { env: { memory: own } }),
  );
  const guest = instance.exports;
  return { instance, guest, memory: own ?? guest.memory };
}

module.exports = { MEMORY_KINDS, makeGuest };
