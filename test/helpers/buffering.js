'use strict';

// Which values of `buffered` there are to test: the fallback engine buffers nothing.

const { engine } = require('../..');

const BUFFERED = engine === 'native' ? [false, true, 'auto'] : [false];

/** `describe` and `it` for what only an engine with a buffer does. */
const describeNative = engine === 'native' ? describe : describe.skip;
const itNative = engine === 'native' ? it : it.skip;

module.exports = { BUFFERED, describeNative, itNative };
