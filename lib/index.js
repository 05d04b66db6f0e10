'use strict';

// The public surface: see lib/index.d.ts. What comes with `require` is the class.
// The rest is loaded where it is first used: files are most of what that costs.

const { WASI } = require('./wasi');

const createWrites = (options) =>
  require('./create-writes').createWrites(options);
const run = async (source, options) => require('./run').run(source, options);
const runSync = (source, options) => require('./run').runSync(source, options);

// Node's ESM loader finds the names in this form, and calls the getter. One that it
// sees by `defineProperty` it would leave out.
module.exports = {
  WASI,
  createWrites,
  engine: undefined,
  fallbackReason: undefined,
  run,
  runSync,
};
Object.defineProperties(module.exports, {
  engine: { get: () => require('./engine').engine },
  fallbackReason: { get: () => require('./engine').fallbackReason },
});
