'use strict';

// /dev/full, the device of Linux that is always full.

const fs = require('node:fs');

const FULL = '/dev/full';
const hasFull = fs.existsSync(FULL);

/** `describe` and `it` for tests that need it: else skipped. */
const describeWithFull = hasFull ? describe : describe.skip;
const itWithFull = hasFull ? it : it.skip;

module.exports = { FULL, describeWithFull, hasFull, itWithFull };
