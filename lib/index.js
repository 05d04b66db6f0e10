'use strict';

// The public surface: see lib/index.d.ts. Only the class is loaded at once: the time
// of a `require` is mostly spent on files.

const { WASI } = require('./wasi');

const createWrites = (options) =>
  require('./create-writes').createWrites(options);
const run = async (source, options) => require('./spawn').run(source, options);
const spawn = (source, options) => require('./spawn').spawn(source, options);
const setPoolSize = (size) => require('./spawn/pool').setPoolSize(size);
const runSync = (source, options) => require('./run').runSync(source, options);

// Node's ESM loader finds the names in this object literal, and calls the getter. A
// name known only from `defineProperty` would be missing.
module.exports = {
  WASI,
  createWrites,
  engine: undefined,
  fallbackReason: undefined,
  run,
  runSync,
  setPoolSize,
  spawn,
};
Object.defineProperties(module.exports, {
  engine: { get: () => require('./engine').engine },
  fallbackReason: { get: () => require('./engine').fallbackReason },
});
