'use strict';

// The errno that a guest gets for each that its host has.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const { engine } = require('..');
const { ERRNO, ERRNO_NAMES } = require('../lib/wasi-abi');
const { useHostFiles } = require('./support/host-files');
const { support } = require('./support/run-writer');

// Every errno that Linux has on this machine: [name, number].
const NAMES_SCRIPT =
  'import errno, json; print(json.dumps(' +
  '[[n, getattr(errno, n)] for n in dir(errno) if n.startswith("E")]))';

// Names that have one number with another name on Linux, or that preview1
// calls otherwise.
const ALIASES = {
  EDEADLOCK: 'DEADLK',
  EOPNOTSUPP: 'NOTSUP',
  EWOULDBLOCK: 'AGAIN',
};

/** By number: the names of the host, and the errno for the guest. */
function hostErrnos() {
  const { stdout } = spawnSync('python3', ['-c', NAMES_SCRIPT]);
  const found = new Map();
  for (const [name, number] of JSON.parse(stdout)) {
    const entry = found.get(number) ?? { names: [], errno: ERRNO.IO };
    entry.names.push(name);
    entry.errno = ERRNO[ALIASES[name] ?? name.slice(1)] ?? entry.errno;
    found.set(number, entry);
  }
  return found;
}

// The fallback has the numbers of node:os, which leaves two out. They are of
// mutexes, and no write gives them.
const isKnown = (names) =>
  engine === 'native' || names.some((name) => name in os.constants.errno);

describe('Every errno of the host', () => {
  const host = useHostFiles();

  it('is its namesake for the guest, or IO where there is none', function () {
    const errnos = hostErrnos();
    // A call that was interrupted is made again: here, forever.
    for (const [number, { names }] of errnos) {
      if (names.includes('EINTR')) errnos.delete(number);
    }
    const file = host.open('file', 'w');
    const { status, stdout } = spawnSync(
      'python3',
      [
        support('failing-writes.py'),
        process.execPath,
        '--no-warnings',
        support('errno-probe.js'),
        JSON.stringify([...errnos.keys()]),
      ],
      { stdio: ['ignore', 'pipe', 'inherit', file] },
    );
    if (status === 77) this.skip(); // no seccomp here
    assert.equal(status, 0);

    const answers = JSON.parse(stdout);
    const named = (errno) => ERRNO_NAMES[errno] ?? errno;
    const rows = [...errnos].map(([number, { names, errno }]) => ({
      names,
      expected: named(isKnown(names) ? errno : ERRNO.IO),
      answers: answers[number].map(named),
    }));
    assert.ok(rows.length > 70);
    assert.deepEqual(
      rows.filter(
        ({ expected, answers: [write, pwrite] }) =>
          write !== expected || pwrite !== expected,
      ),
      [],
    );
    assert.equal(fs.fstatSync(file).size, 0);
  });
});
