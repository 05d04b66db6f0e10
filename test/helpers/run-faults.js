'use strict';

// Runs any number of plans of faults, in processes that preload faults.so:
//
//   npm run faults -- [--plans N] [--seed S] [--engine native|fallback]
//
// Plan i has the seed S + i. If one fails, it is printed with its seed.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { PIPE } = require('./fault-plans');
const { buildFaults, canPreload } = require('./faults');

const PLANS_OF_A_PROCESS = 2000;

// Plans take seconds: after this many milliseconds one is stuck.
const HANGS = 600_000;

/**
 * Runs the plans with the seeds from `seed` on.
 *
 * @param {object} env of `buildFaults`
 * @returns {object} the output of faulted-runs.js
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
