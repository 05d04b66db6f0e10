'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { RESULT, assemble } = require('../../scripts/build-wat');

describe('the WebAssembly of the buffered path', () => {
  it('is what its sources give', async () => {
    assert.equal(fs.readFileSync(RESULT, 'utf8'), await assemble());
  });
});
