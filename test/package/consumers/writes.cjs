'use strict';

const { createWrites, engine } = require('wasi-writev');
const consume = require('./consume.cjs');

consume({ createWrites, engine });
