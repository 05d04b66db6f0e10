'use strict';

// A binding of napi-rs, whose threads share one guest.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { describeShared } = require('../helpers/guest-threads');
const { useHostFiles } = require('../helpers/host-files');

const REGISTER = path.join(__dirname, '../../lib/register.js');
const SCRIPTS = path.join(__dirname, '../fixtures/preload');
const THREADS = 2;

describeShared('The threads of a binding of napi-rs', () => {
  const dir = useHostFiles();

  function runSnappy() {
    const tell = dir.open('told', 'w');
    const preloads = [REGISTER, path.join(SCRIPTS, 'open-in-threads.js')];
    const { error, status, stderr, stdout } = spawnSync(
      process.execPath,
      [
        '--no-warnings',
        ...preloads.flatMap((file) => ['--require', file]),
        path.join(SCRIPTS, 'snappy-files.mjs'),
        dir.path('told'),
      ],
      {
        cwd: dir.path(''),
        encoding: 'utf8',
        env: {
          ...process.env,
          NAPI_RS_ASYNC_WORK_POOL_SIZE: `${THREADS}`,
          NAPI_RS_FORCE_WASI: 'error',
          NODE_NO_WARNINGS: '1',
        },
        stdio: ['ignore', 'pipe', 'pipe', tell],
      },
    );
    assert.ifError(error);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  it('have the files of one another', function () {
    // As under node:wasi, a thread may trap on a busy machine: see
    // test/api/register.test.js.
    this.retries(2);
    const fds = runSnappy();
    assert.equal(new Set(fds).size, fds.length);
    assert.ok(fds.length > 0 && !fds.includes(4));
    // A thread that started late has not reported its number.
    const ofMain = dir.read('of main');
    assert.match(ofMain, /^main (thread )+$/);
    const ofThreads = dir.read('of a thread');
    assert.equal(ofThreads.split('main').length - 1, fds.length);
    assert.equal(
      ofThreads.split('thread').length,
      ofMain.split('thread').length,
    );
  });
});
