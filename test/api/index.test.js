'use strict';

const assert = require('node:assert/strict');
const { resultInChild } = require('../helpers/in-child');

/** The modules of lib/ that `require(id)` loads. */
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
  it('loads no more than the class before the first guest', () => {
    assert.deepEqual(loadedBy('../..'), ['index.js', 'wasi.js']);
  });

  it('has the same members for require and import', async () => {
    const required = require('../..');
    const imported = await import('../../lib/index.js');
    assert.deepEqual(Object.keys(required), [
      'WASI',
      'createWrites',
      'engine',
      'fallbackReason',
      'run',
      'runSync',
      'setPoolSize',
      'spawn',
    ]);
    for (const [name, value] of Object.entries(required)) {
      assert.equal(imported[name], value);
    }
    assert.match(imported.engine, /^(native|fallback)$/);
  });
});
