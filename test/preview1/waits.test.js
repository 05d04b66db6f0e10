'use strict';

// Every wait of a guest can be ended, and leaves nothing open.

const assert = require('node:assert/strict');
const { engine } = require('../..');
const { resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');
const { WaitingHost } = require('../helpers/waiting');
const { KINDS } = require('../fixtures/wait-kinds');

const WAYS = {
  terminate: 'worker.terminate() ends',
  exit: 'process.exit() ends, in a worker,',
  thread: 'A vm timeout ends, in a worker,',
  main: 'A vm timeout ends, in the main thread,',
};

describe('Waits', () => {
  const dir = useTempDir();
  const host = new WaitingHost();

  before(function () {
    // In the fallback the waits are Node's.
    if (engine !== 'native' || process.platform !== 'linux') this.skip();
  });
  after(() => host.close());

  for (const [way, title] of Object.entries(WAYS)) {
    describe(title, () => {
      for (const kind of Object.keys(KINDS)) {
        it(kind, () => host.endsWait(way, kind, dir.path('')));
      }
    });
  }
});

describe('A write of the main thread to a full pipe that blocks', () => {
  const dir = useTempDir();

  before(function () {
    if (engine !== 'native' || process.platform !== 'linux') this.skip();
  });

  // Runs in a process: whether the reader had begun when the `vm` timeout came.
  function cutWrite(directory, options) {
    const { execFileSync, spawn } = require('node:child_process');
    const fs = require('node:fs');
    const vm = require('node:vm');
    const { withWASI } = require('./guest');
    const { Session } = require('./session');
    const fifo = `${directory}/fifo`;
    const begun = `${directory}/begun`;
    execFileSync('mkfifo', [fifo]);
    const reader = 'exec <"$0"; sleep 0.5; touch "$1"; cat >/dev/null';
    spawn('sh', ['-c', reader, fifo, begun], { stdio: 'ignore' }).unref();
    const stdout = fs.openSync(fifo, 'w');
    const session = new Session(withWASI({ stdout, ...options }));
    globalThis.write = () => session.write(1, Buffer.alloc(100_000));
    let code;
    try {
      vm.runInThisContext('write()', { timeout: 50 });
    } catch (error) {
      ({ code } = error);
    }
    return { code, hadBegun: fs.existsSync(begun) };
  }

  for (const [options, hadBegun] of [
    [{}, true],
    [{ waitTimeout: 60_000 }, false],
  ]) {
    it(`is ${hadBegun ? 'not ' : ''}ended: ${JSON.stringify(options)}`, () => {
      const end = resultInChild(cutWrite, [dir.path('.'), options]);
      assert.deepEqual(end, {
        code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
        hadBegun,
      });
    });
  }
});
