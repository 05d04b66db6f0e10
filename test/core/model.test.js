'use strict';

// Random writes, good and hostile, with both engines, with and without a buffer. A
// guest's results, memory and files must be those of a simple model.
//
// A failure prints a case that test/core/fuzz/writes.js can run again.

const assert = require('node:assert/strict');
const { useTempDir } = require('../helpers/temp');
const { writeProgram } = require('../helpers/write-programs');
const { runProgram, shrink, subjectsFor } = require('../helpers/write-runs');

const CALLS = 20_000;

describe('Random writes', () => {
  const dir = useTempDir();

  it('agree with the model, with both engines, buffered and not', async () => {
    const directory = dir.path('');
    let calls = 0;
    for (let seed = 1; calls < CALLS; seed++) {
      const program = writeProgram(seed);
      for (const subject of subjectsFor(seed)) {
        const difference = await runProgram(directory, program, subject);
        if (difference === undefined) continue;
        const shortest = await shrink(directory, program, subject);
        assert.fail(
          `seed ${seed}: ${await runProgram(directory, shortest, subject)}\n` +
            JSON.stringify({ program: shortest, subject }),
        );
      }
      calls += program.operations.filter(({ call }) => call === 'write').length;
    }
  });
});
