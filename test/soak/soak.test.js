'use strict';

// The short form of `npm run soak`. Each subject runs in its own process, since it
// may crash.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');

const SCRIPT = path.join(__dirname, 'index.js');

// How often; together they take seconds.
const COUNTS = {
  threads: 400,
  rewrite: 900,
  terminate: 16,
  ends: 400,
  kill: 8,
  isolation: 9000,
  'shared-files': 20_000,
  writes: 200_000,
  opens: 4000,
};

const TITLES = {
  threads: 'have threads write to one file, and tear and lose nothing',
  rewrite: 'refuse or write a list that another thread rewrites',
  terminate: 'survive threads that are terminated at any moment',
  ends: 'lose and double nothing, whenever JS is ended',
  kill: 'leave in the file what was accepted before the process was killed',
  isolation: 'reach no descriptor but those of the guest',
  'shared-files': 'keep apart the files that threads of one guest have open',
  writes: 'grow nothing by small writes',
  opens: 'grow nothing by files that are opened and closed',
};

function soak(...args) {
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', SCRIPT, ...args],
    { encoding: 'utf8', killSignal: 'SIGKILL', timeout: 100_000 },
  );
  return { signal, status, stdout, stderr };
}

const noProc = !fs.existsSync('/proc/self/fd');

// In the fallback each thread has its own table.
const isSkipped = (what) =>
  noProc || (what === 'shared-files' && engine !== 'native');

describe('many writes', () => {
  for (const [what, count] of Object.entries(COUNTS)) {
    (isSkipped(what) ? it.skip : it)(TITLES[what], () => {
      const { stdout, ...end } = soak(what, '--count', `${count}`);
      assert.deepEqual(
        { ...end, stderr: end.stderr.replace(/^.* of .* s\n/gm, '') },
        { signal: null, status: 0, stderr: '' },
      );
      assert.equal(JSON.parse(stdout).what, what);
    });
  }

  it('are explained', () => {
    const { status, stdout } = soak('--help');
    assert.equal(status, 0);
    for (const what of Object.keys(COUNTS)) {
      assert.match(stdout, new RegExp(`^  ${what} `, 'm'));
    }
  });
});
