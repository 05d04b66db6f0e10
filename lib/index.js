'use strict';

const { engine } = require('./engine');
const { run, runSync } = require('./run');
const { WASI } = require('./wasi');
const { createWrites } = require('./writes');

module.exports = { WASI, createWrites, engine, run, runSync };
