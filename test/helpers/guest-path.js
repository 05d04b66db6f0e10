'use strict';

const path = require('node:path');

/** The path of test/guests/NAME.wasm. */
const guestPath = (name) =>
  path.join(__dirname, '..', 'guests', `${name}.wasm`);

module.exports = { guestPath };
