'use strict';

// Runs the test of test/core/model.test.js for any time:
//
//   npm run fuzz -- --minutes 10 --seed 1
//   npm run fuzz -- --case FILE
//
// On a failure it prints the shortened case, and exits with status 1. FILE holds
// such a line.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { writeProgram } = require('../../helpers/write-programs');
const { runProgram, shrink, subjectsFor } = require('../../helpers/write-runs');

const PROGRESS = 500; // programs

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
    case: { type: 'string' },
  },
});

async function runCase(directory, file) {
  const { program, subject } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const difference = await runProgram(directory, program, subject);
  console.log(difference ?? 'as the model says');
  return difference === undefined;
}

/** Runs the program of a seed. On a failure, prints a report and returns false. */
async function runSeed(directory, seed) {
  const program = writeProgram(seed);
  for (const subject of subjectsFor(seed)) {
    if ((await runProgram(directory, program, subject)) === undefined) continue;
    const shortest = await shrink(directory, program, subject);
    console.log(
      `seed ${seed}: ${await runProgram(directory, shortest, subject)}`,
    );
    console.log(JSON.stringify({ program: shortest, subject }));
    return false;
  }
  return true;
}

async function runFor(directory, minutes, firstSeed) {
  const end = performance.now() + minutes * 60_000;
  let seed = firstSeed;
  console.log(`Node ${process.version}, seeds from ${firstSeed} on`);
  while (performance.now() < end) {
    // Shows the seed if a program ends the process.
    if ((seed - firstSeed) % PROGRESS === 0) console.log(`seed ${seed}`);
    if (!(await runSeed(directory, seed))) return false;
    seed++;
  }
  console.log(
    `${seed - firstSeed} programs, in 4 ways each: as the model says`,
  );
  return true;
}

async function main() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  try {
    const passed = await (options.case === undefined
      ? runFor(directory, Number(options.minutes), Number(options.seed))
      : runCase(directory, options.case));
    process.exitCode = passed ? 0 : 1;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

main();
