'use strict';

// Programs that write while system calls fail or fall short in any order: their
// bytes and errors. For many more: npm run faults

const assert = require('node:assert/strict');
const { engine } = require('../..');
const { useFaults } = require('../helpers/faults');
const { runPlans } = require('../helpers/run-faults');

const PLANS = 400;

describe('System calls that fail', () => {
  const faults = useFaults();

  it('lose no byte, repeat none, and are reported', () => {
    const summary = runPlans(faults.env, engine, 1, PLANS);
    assert.equal(summary.failure, undefined, JSON.stringify(summary.failure));
    assert.equal(summary.plans, PLANS);
    // Calls did fail, and some bytes stayed buffered to the end. The fallback has no
    // buffer.
    assert.ok(summary.faults > summary.plans);
    assert.equal(summary.held > 0, engine === 'native');
  });
});
