'use strict';

// test/core/whole: every call with random arguments over real files, pipes, sockets
// and terminals, without Node, under sanitizers.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { hasSanitizers } = require('../helpers/installed');

const CALLS = 150_000;

describe('Whole calls of the core', () => {
  before(function () {
    if (process.platform !== 'linux' || !hasSanitizers()) this.skip();
  });

  it('stay in their memory and their preopens, whatever the arguments', () => {
    const { status, stdout, stderr } = spawnSync(
      path.join(__dirname, 'whole', 'run'),
      ['--calls', CALLS],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /\d+ calls, /);
  });
});
