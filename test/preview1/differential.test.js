'use strict';

// Random programs over random trees, here and under node:wasi: the same errnos, the
// same results, the same tree. Where the two differ, KNOWN says how and why.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { engine } = require('../..');

const PROGRAMS = 1000;
// The same programs each time: `node test/fixtures/differential.js 100000` has others.
const SEED = 1;

describe('Random programs', function () {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  // In a process of its own: node:wasi dies of some programs on Node 20 and 22, but
  // not where its calls are made from JS.
  it(`do under ${engine} what they do under node:wasi`, () => {
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
