'use strict';

// The tests of this folder again, without openat2 or with a filter that forbids it.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { engine } = require('../..');

const ROOT = path.join(__dirname, '../..');

describe('Without openat2', function () {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  const filter = path.join(directory, 'no-openat2');

  before(function () {
    if (process.platform !== 'linux' || engine !== 'native') this.skip();
    const source = path.join(__dirname, '../fixtures/no-openat2.c');
    const { error } = spawnSync('cc', ['-o', filter, source]);
    if (error?.code === 'ENOENT') this.skip();
  });
  after(() => fs.rmSync(directory, { recursive: true }));

  const { EPERM, ENOSYS } = os.constants.errno;
  for (const [name, errno] of Object.entries({ EPERM, ENOSYS })) {
    it(`which fails with ${name}, the sandbox is the same`, () => {
      const files = fs
        .readdirSync(__dirname)
        .filter(
          (file) => !['no-openat2.test.js', 'core.test.js'].includes(file),
        )
        .map((file) => path.join(__dirname, file));
      const mocha = require.resolve('mocha/bin/mocha.js');
      const { status, stdout, stderr } = spawnSync(
        filter,
        [errno, process.execPath, mocha, '--reporter', 'json', ...files].map(
          String,
        ),
        { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 26 },
      );
      const { stats } = JSON.parse(stdout.slice(stdout.indexOf('{')));
      assert.equal(status, 0, stdout.slice(0, 5000) + stderr);
      assert.ok(stats.passes > 200, `${stats.passes} tests passed`);
    });
  }
});
