'use strict';

// Every call with random arguments, from wasm and from JS, through the addon.
// test/core/whole is the long form, in C.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { engine } = require('../..');
const { CALLS, ERRNOS } = require('../helpers/all-calls');
const { useTempDir } = require('../helpers/temp');

const PROGRAM = path.join(__dirname, '..', 'fixtures', 'random-calls.js');
const COUNT = 6_000;
const SHARE = 0.15; // of calls that must succeed

const WAYS = [
  { seed: 1, buffered: false, shared: false },
  { seed: 2, buffered: true, shared: false },
  { seed: 3, buffered: 'auto', shared: false },
  { seed: 4, buffered: false, shared: true },
  { seed: 5, buffered: true, shared: true },
];

function makeCalls(directory, way) {
  const given = JSON.stringify({ calls: COUNT, directory, ...way });
  const { error, signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', PROGRAM, given],
    { encoding: 'utf8', timeout: 300_000 },
  );
  assert.ifError(error);
  assert.deepEqual({ signal, status }, { signal: null, status: 0 }, stderr);
  return JSON.parse(stdout);
}

describe('Calls with random arguments', () => {
  const temp = useTempDir();

  before(function () {
    // In the fallback a guest can leave its directory.
    if (engine !== 'native' || process.platform !== 'linux') this.skip();
  });

  for (const way of WAYS) {
    const memory = way.shared ? 'a memory that a thread rewrites' : 'a memory';
    it(`end with an errno over ${memory}, buffered: ${way.buffered}`, () => {
      const counts = makeCalls(temp.path('.'), way);
      assert.ok(counts.proc_exit.thrown > 0);
      for (const name of Object.keys(CALLS)) {
        const made = Object.values(counts[name]).reduce((a, b) => a + b, 0);
        assert.ok(made > 0, name);
        // The thread leaves few arguments unchanged.
        if (way.shared || name in ERRNOS) continue;
        assert.ok((counts[name][0] ?? 0) > SHARE * made, `${name}: ${made}`);
      }
    });
  }
});
