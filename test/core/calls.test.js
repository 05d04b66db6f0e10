'use strict';

// test/core/*.c: the core without Node, under sanitizers: polls, sockets,
// directories, waits, and each pointer out of bounds.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { hasSanitizers } = require('../helpers/installed');

describe('The calls of the core', () => {
  before(function () {
    if (process.platform !== 'linux' || !hasSanitizers()) this.skip();
  });

  it('follow POSIX and the specification, without Node', () => {
    const { status, stdout, stderr } = spawnSync(
      'sh',
      [path.join(__dirname, 'run')],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
  });
});
