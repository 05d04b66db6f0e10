'use strict';

const { engine } = require('./engine');
const { WASI } = require('./wasi');
const { createWrites } = require('./writes');

module.exports = { WASI, createWrites, engine };
