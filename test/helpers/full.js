'use strict';

// The device that is always full, which Linux has.

const fs = require('node:fs');

const FULL = '/dev/full';
const hasFull = fs.existsSync(FULL);

/** `describe` and `it` for what needs it: skipped where there is none. */
const describeWithFull = hasFull ? describe : describe.skip;
const itWithFull = hasFull ? it : it.skip;

module.exports = { FULL, describeWithFull, hasFull, itWithFull };
