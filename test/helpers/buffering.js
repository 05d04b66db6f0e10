'use strict';

// The values of `buffered` to test: the fallback engine has no buffer.

const { engine } = require('../..');

const BUFFERED = engine === 'native' ? [false, true, 'auto'] : [false];

/** `describe` and `it` for an engine with a buffer. */
const describeNative = engine === 'native' ? describe : describe.skip;
const itNative = engine === 'native' ? it : it.skip;

module.exports = { BUFFERED, describeNative, itNative };
