'use strict';

const { WASI } = require('../../..');

/** Whether a class is our `WASI`, or one made of it. */
const isOurs = (value) => value === WASI || value.prototype instanceof WASI;

module.exports = { isOurs };
