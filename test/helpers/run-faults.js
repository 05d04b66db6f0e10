'use strict';

// Plans of faults, as many as wanted, in processes that have faults.so:
//
//   npm run faults -- [--plans N] [--seed S] [--engine native|fallback]
//
// Plan i has the seed S + i. One that fails is printed, with its seed.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { PIPE } = require('./fault-plans');
const { buildFaults, canPreload } = require('./faults');

const PLANS_OF_A_PROCESS = 2000;

// They take seconds. What takes this many milliseconds does not end.
const HANGS = 600_000;

/**
 * Runs the plans of the seeds from `seed` on.
 *
 * @param {object} env of `buildFaults`
 * @returns {object} what faulted-runs.js prints
 */
function runPlans(env, engine, seed, count) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  try {
    execFileSync('mkfifo', [path.join(directory, PIPE)]);
    const { error, status, signal, stdout } = spawnSync(
      process.execPath,
      [
        '--no-warnings',
        path.join(__dirname, '..', 'fixtures', 'faulted-runs.js'),
        directory,
        String(seed),
        String(count),
      ],
      {
        env: { ...process.env, ...env, WASI_WRITEV_ENGINE: engine },
        stdio: ['ignore', 'pipe', 'inherit'],
        maxBuffer: Infinity,
        timeout: HANGS,
      },
    );
    assert.ifError(error);
    assert.deepEqual({ status, signal }, { status: 0, signal: null });
    return JSON.parse(stdout);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function main() {
  const { values } = parseArgs({
    options: {
      plans: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      engine: { type: 'string', multiple: true },
    },
  });
  assert.ok(canPreload, 'needs Linux on x64 or arm64, and cc');
  const plans = Number(values.plans);
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  try {
    const env = buildFaults(directory);
    for (const engine of values.engine ?? ['native', 'fallback']) {
      for (let done = 0; done < plans; done += PLANS_OF_A_PROCESS) {
        const count = Math.min(PLANS_OF_A_PROCESS, plans - done);
        const seed = Number(values.seed) + done;
        const summary = runPlans(env, engine, seed, count);
        console.log(JSON.stringify({ engine, seed, ...summary }));
        if (summary.failure !== undefined) process.exitCode = 1;
      }
    }
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

if (require.main === module) main();

module.exports = { runPlans };
