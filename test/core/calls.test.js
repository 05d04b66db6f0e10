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

  for (const [system, args] of [
    ['', []],
    [', with the system calls of macOS and the BSDs', ['elsewhere']],
  ]) {
    it(`follow POSIX and the specification, without Node${system}`, () => {
      const { status, stdout, stderr } = spawnSync(
        'sh',
        [path.join(__dirname, 'run'), ...args],
        { encoding: 'utf8' },
      );
      assert.equal(status, 0, stdout + stderr);
    });
  }
});
