'use strict';

const { WASI, createWrites, engine } = require('wasi-writev');
const consume = require('./consume.cjs');

consume({ WASI, createWrites, engine });
