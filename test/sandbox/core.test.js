'use strict';

// test/core/beneath: both resolvers without Node, under sanitizers: results of
// calls, every way out, random trees, and races of renames.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const RUN = path.join(__dirname, '../core/beneath/run');

describe('The resolvers of the core', function () {
  before(function () {
    const hasCompiler = !spawnSync('cc', ['--version']).error;
    if (process.platform !== 'linux' || !hasCompiler) this.skip();
  });

  it('keep a guest beneath its preopens, and agree', () => {
    const { status, stdout, stderr } = spawnSync('sh', [RUN], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /\d+ cases/);
  });
});
