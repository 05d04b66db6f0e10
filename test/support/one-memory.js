'use strict';

// To be preloaded: lib/combiner.js takes this for an engine without modules of
// two memories, as Node 20 is one, and does its work in JS. Threads and child
// processes have it too:
//
//   NODE_OPTIONS="--require $PWD/test/support/one-memory.js" npx mocha

const { validate } = WebAssembly;

const TWO_MEMORIES = Buffer.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[5, 5, 2, 0, 0, 0, 0],
);

WebAssembly.validate = (bytes, ...rest) =>
  !(ArrayBuffer.isView(bytes) && TWO_MEMORIES.equals(bytes)) &&
  validate(bytes, ...rest);
