'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { assemble } = require('../../scripts/build-wat');

describe('the WebAssembly of the package', () => {
  it('is what its sources give', async () => {
    for (const [file, bytes] of await assemble()) {
      assert.deepEqual(fs.readFileSync(file), bytes, file);
    }
  });
});
