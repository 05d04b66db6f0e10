'use strict';

// The public surface: see lib/index.d.ts. What comes with `require` is the engine,
// to name it, and the class. The rest is loaded where it is first called.

const { engine } = require('./engine');
const { WASI } = require('./wasi');

const createWrites = (options) => require('./writes').createWrites(options);
const run = async (source, options) => require('./run').run(source, options);
const runSync = (source, options) => require('./run').runSync(source, options);

module.exports = { WASI, createWrites, engine, run, runSync };
