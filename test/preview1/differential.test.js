'use strict';

// Random programs over random trees, here and under node:wasi: the same errnos,
// results and trees. KNOWN lists the differences, with reasons.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { engine } = require('../..');

const PROGRAMS = 1000;
// The same programs each time. `node test/fixtures/differential.js 100000` makes
// others.
const SEED = 1;

describe('Random programs', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  // In a process of its own: some programs crash node:wasi on Node 20 and 22, but
  // not if JS makes the calls.
  it(`have the same results under ${engine} as under node:wasi`, () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--no-warnings',
        path.join(__dirname, '../fixtures/differential.js'),
        String(PROGRAMS),
        String(SEED),
      ],
      { encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, new RegExp(`^${PROGRAMS} programs, \\d+ calls`));
  });
});
