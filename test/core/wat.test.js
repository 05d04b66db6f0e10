'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { assemble } = require('../../scripts/build-wat');

describe('the WebAssembly of the buffered path', () => {
  it('is assembled from its sources', async () => {
    for (const [name, bytes] of await assemble()) {
      const file = path.join(__dirname, '..', '..', 'src', name);
      assert.deepEqual(fs.readFileSync(file), bytes, name);
    }
  });
});
