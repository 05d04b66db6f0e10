'use strict';

// System calls that fail and fall short in any order: what becomes of the bytes
// of programs that write, and of the errors. Many more: npm run faults

const assert = require('node:assert/strict');
const { engine } = require('../..');
const { useFaults } = require('../helpers/faults');
const { runPlans } = require('../helpers/run-faults');

const PLANS = 400;

describe('System calls that fail', () => {
  const faults = useFaults();

  it('lose no byte, repeat none, and are told to somebody', () => {
    const summary = runPlans(faults.env, engine, 1, PLANS);
    assert.equal(summary.failure, undefined, JSON.stringify(summary.failure));
    assert.equal(summary.plans, PLANS);
    // They did fail, and some bytes were buffered to the end: the fallback buffers
    // none.
    assert.ok(summary.faults > summary.plans);
    assert.equal(summary.held > 0, engine === 'native');
  });
});
