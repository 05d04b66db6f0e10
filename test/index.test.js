'use strict';

const assert = require('node:assert/strict');
const { resultInChild } = require('./support/in-child');

/** The modules of lib/ that a process has after `require(id)`. */
const loadedBy = (id) =>
  resultInChild(
    (name) => {
      const path = require('node:path');
      const lib = path.resolve('../../lib');
      require(name);
      return Object.keys(require.cache)
        .filter((file) => path.dirname(file) === lib)
        .map((file) => path.basename(file))
        .sort();
    },
    [id],
  );

describe('the package', () => {
  it('loads no more than the engine and the class before the first guest', () => {
    assert.deepEqual(loadedBy('../..'), [
      'addon.js',
      'engine.js',
      'index.js',
      'wasi.js',
    ]);
  });
});
