'use strict';

// The guest's errno for each errno of the host.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const { getSystemErrorMap } = require('node:util');
const { engine } = require('../..');
const { errnoOf } = require('../../lib/fs-writer');
const { ERRNO, ERRNO_NAMES } = require('../../lib/preview1');
const { useFaults } = require('../helpers/faults');
const { useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { fixture } = require('../helpers/run-writer');

// Every errno of Linux on this machine: [name, number].
const NAMES_SCRIPT =
  'import errno, json; print(json.dumps(' +
  '[[n, getattr(errno, n)] for n in dir(errno) if n.startswith("E")]))';

// Names that share a number with another name on Linux, or have another name in
// preview1.
const ALIASES = {
  EDEADLOCK: 'DEADLK',
  EOPNOTSUPP: 'NOTSUP',
  EWOULDBLOCK: 'AGAIN',
};

/** By number: the host's names, and the guest's errno. */
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

// The fallback takes the numbers of node:os, which lacks two. They concern mutexes,
// and no write returns them.
const isKnown = (names) =>
  engine === 'native' || names.some((name) => name in os.constants.errno);

describe('Every error of libuv', () => {
  // A write to a pipe of Windows whose reader is gone.
  const OTHERS = { EOF: ERRNO.PIPE };

  it('is its namesake for the guest of node:fs, or IO where there is none', () => {
    const rows = [...getSystemErrorMap()].map(([errno, [code]]) => ({
      code,
      expected: OTHERS[code] ?? ERRNO[code.slice(1)] ?? ERRNO.IO,
      answer: errnoOf({ errno, code }),
    }));
    assert.ok(rows.length > 70);
    assert.deepEqual(
      rows.filter(({ answer, expected }) => answer !== expected),
      [],
    );
  });
});

describe('Every errno of the host', () => {
  const host = useHostFiles();

  it('is its namesake for the guest, or IO where there is none', function () {
    const errnos = hostErrnos();
    // An interrupted call is repeated: here it would be for ever.
    for (const [number, { names }] of errnos) {
      if (names.includes('EINTR')) errnos.delete(number);
    }
    const file = host.open('file', 'w');
    const { status, stdout } = spawnSync(
      'python3',
      [
        fixture('failing-writes.py'),
        process.execPath,
        '--no-warnings',
        fixture('errno-probe.js'),
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

// Runs in a process with faults.so: the guest's result for each [errno, system
// call].
function tellEach(directory, errnos) {
  const fs = require('node:fs');
  const path = require('node:path');
  const { Faults } = require('./faults');
  const { putIovs, withWrites } = require('./guest');
  const { O_APPEND, O_CREAT, O_WRONLY } = fs.constants;
  const file = path.join(directory, 'file');
  const faults = new Faults();

  const hostFds = [0, O_APPEND].map((flag) =>
    fs.openSync(file, O_WRONLY | O_CREAT | flag),
  );
  const fds = { 1: hostFds[0], 2: hostFds[1] };
  const { guest, memory } = withWrites({ fds });
  const { guest: held, writes } = withWrites({ fds, buffered: true });

  // One buffer, and two that are too large to copy together.
  memory.grow(4);
  putIovs(memory, 64, [[1024, 10]]);
  putIovs(memory, 128, [
    [1024, 100_000],
    [1024, 100_000],
  ]);
  const flush = () => {
    try {
      return writes.flush() ?? 0;
    } catch ({ errno }) {
      return errno;
    }
  };
  putIovs(held.memory, 64, [[1024, 10]]);

  const tries = {
    write: () => guest.fd_write(1, 64, 1, 0),
    writev: () => guest.fd_write(1, 128, 2, 0),
    pwrite: () => guest.fd_pwrite(1, 64, 1, 0n, 0),
    pwritev: () => guest.fd_pwrite(1, 128, 2, 0n, 0),
    appended: () => guest.fd_pwrite(2, 64, 1, 0n, 0),
    flushed: () => held.fd_write(1, 64, 1, 0) || flush(),
    pflushed: () => held.fd_pwrite(1, 64, 1, 0n, 0) || flush(),
  };
  const told = {};
  for (const [name, attempt] of Object.entries(tries)) {
    told[name] = {};
    for (const errno of errnos) {
      // libuv may make other calls afterwards.
      if (errno === 'ENOSYS' && name === 'pwritev') continue;
      faults.arm([file], { writes: [errno] });
      const answer = attempt();
      const { call, error } = faults.disarm()[0];
      told[name][errno] = [answer, call, error !== undefined];
      writes.flush();
    }
  }
  return told;
}

describe('Every errno of a system call that writes', () => {
  const host = useHostFiles();
  const faults = useFaults();
  // These are retried: see test/preview1/interrupted.test.js.
  const NAMES = Object.keys(os.constants.errno).filter(
    (name) => name !== 'EINTR',
  );
  let told;

  // Documented for write(2), writev(2), pwrite(2) and pwritev2(2): Linux and
  // lseek(2), POSIX, FreeBSD and macOS.
  const DOCUMENTED =
    'EAGAIN EBADF EDESTADDRREQ EDQUOT EFAULT EFBIG EINTR EINVAL EIO ENOSPC ' +
    'EPERM EPIPE ENXIO EOVERFLOW ESPIPE EOPNOTSUPP ' +
    'EACCES ECONNRESET ENETDOWN ENETUNREACH ENOBUFS ENOMEM ERANGE EROFS';

  it('has a namesake where a manual of write(2) names it', () => {
    for (const name of DOCUMENTED.split(' ')) {
      assert.ok(name in os.constants.errno, name);
      assert.ok((ALIASES[name] ?? name.slice(1)) in ERRNO, name);
    }
  });

  beforeEach(() => {
    told ??= resultInChild(tellEach, [host.path(''), NAMES], [], faults.env);
  });

  const appended = engine === 'native' ? 'pwritev2' : 'pwrite';
  for (const [way, call] of Object.entries({
    write: 'write',
    writev: 'writev',
    pwrite: 'pwrite',
    pwritev: 'pwritev',
    appended,
    flushed: 'write',
    pflushed: 'pwrite',
  })) {
    it(`is its namesake for the guest: ${call}, ${way}`, () => {
      const expected = {};
      for (const name of NAMES) {
        const errno = ERRNO[ALIASES[name] ?? name.slice(1)] ?? ERRNO.IO;
        // Another call replaces the one that failed.
        const isPassing =
          call === 'pwritev2' &&
          ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(name);
        if (name === 'ENOSYS' && way === 'pwritev') continue;
        expected[name] = [isPassing ? ERRNO.SUCCESS : errno, call, true];
      }
      assert.deepEqual(told[way], expected);
    });
  }
});
