'use strict';

// Interrupted and short system calls, and failed waits: which are continued, and
// what the guest gets.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { useFaults } = require('../helpers/faults');
const { useHostFiles } = require('../helpers/host-files');
const { inChild } = require('../helpers/in-child');

const TEXT = Array.from({ length: 50 }, (_, i) => i + 10).join('');

// The step for a short count of so many bytes.
const part = (bytes) => bytes - 1;

/**
 * Runs in a process with faults.so and a socket as stderr. For each case, a guest
 * writes `text` in one call. Prints its result, the system calls, and the bytes in
 * the file or pipe.
 */
function writeEach(directory, text, cases) {
  const fs = require('node:fs');
  const path = require('node:path');
  const { Faults } = require('./faults');
  const { putBytes, putIovs, u32, withWASI } = require('./guest');
  const { readAvailable } = require('./host-files');
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } =
    fs.constants;
  const STDERR = 2;
  const NONBLOCK = 4;

  const pipe = path.join(directory, 'pipe');
  const file = path.join(directory, 'file');
  const reader = fs.openSync(pipe, O_RDONLY | O_NONBLOCK);
  const fresh = O_WRONLY | O_CREAT | O_TRUNC;
  const TARGETS = {
    file: () => fs.openSync(file, fresh),
    appended: () => fs.openSync(file, fresh | O_APPEND),
    pipe: () => fs.openSync(pipe, O_WRONLY),
    socket: () => STDERR,
  };
  const OUT = {
    file: () => fs.readFileSync(file),
    appended: () => fs.readFileSync(file),
    pipe: () => readAvailable(reader),
    socket: () => fs.writeSync(STDERR, '\n'),
  };
  const faults = new Faults();

  const results = cases.map(({ target, pwrite, nonblock, options, plan }) => {
    const hostFd = TARGETS[target]();
    const { guest, memory, wasi } = withWASI({ stdout: hostFd, ...options });
    putIovs(memory, 64, [[1024, putBytes(memory, 1024, text)]]);
    if (nonblock) guest.fd_fdstat_set_flags(1, NONBLOCK);

    faults.arm([hostFd], plan);
    const errno = pwrite
      ? guest.fd_pwrite(1, 64, 1, 0n, 0)
      : guest.fd_write(1, 64, 1, 0);
    wasi.flush();
    const calls = faults.disarm().map(({ call, error }) => error ?? call);
    return {
      told: errno === 0 ? u32(memory, 0) : -errno,
      calls,
      out: OUT[target]().toString(),
    };
  });
  fs.writeSync(1, JSON.stringify(results));
}

const LIMIT = { waitTimeout: 60_000 };
const HELD = { buffered: true };

const native = engine === 'native';

// A title; the case; the guest's result, bytes or -errno; the system calls, each by
// its name or the errno that it returned.
const CASES = [
  [
    'a file: interrupted before the first byte',
    { target: 'file', plan: { writes: ['EINTR', 'EINTR', 'EINTR'] } },
    100,
    ['EINTR', 'EINTR', 'EINTR', 'write'],
  ],
  [
    'a file by fd_pwrite: interrupted before the first byte',
    { target: 'file', pwrite: true, plan: { writes: ['EINTR', 'EINTR'] } },
    100,
    ['EINTR', 'EINTR', 'pwrite'],
  ],
  [
    'a file that appends by fd_pwrite: interrupted before the first byte',
    { target: 'appended', pwrite: true, plan: { writes: ['EINTR', 'EINTR'] } },
    100,
    ['EINTR', 'EINTR', native ? 'pwritev2' : 'pwrite'],
  ],
  [
    'a file that appends by fd_pwrite, without pwritev2: interrupted',
    {
      target: 'appended',
      pwrite: true,
      plan: { writes: ['EINTR', 'EINTR'], pwritev2: 'ENOSYS' },
    },
    100,
    native
      ? ['ENOSYS', 'EINTR', 'ENOSYS', 'EINTR', 'ENOSYS', 'pwritev']
      : ['EINTR', 'EINTR', 'pwrite'],
  ],
  // libuv, in the fallback, continues by itself.
  [
    'a file: interrupted after 30 bytes',
    { target: 'file', plan: { writes: [part(30), 'EINTR'] } },
    native ? 30 : 100,
    native ? ['write'] : ['write', 'EINTR', 'write'],
  ],
  [
    'a file by fd_pwrite: interrupted after 1 byte',
    { target: 'file', pwrite: true, plan: { writes: [part(1), 'EINTR'] } },
    native ? 1 : 100,
    native ? ['pwrite'] : ['pwrite', 'EINTR', 'pwrite'],
  ],
  [
    'a pipe: interrupted before and after 30 bytes',
    { target: 'pipe', plan: { writes: ['EINTR', part(30), 'EINTR'] } },
    100,
    ['EINTR', 'write', 'EINTR', 'write'],
  ],
  [
    'a file by a flush: interrupted before and after 30 bytes',
    {
      target: 'file',
      options: HELD,
      plan: { writes: ['EINTR', part(30), 'EINTR'] },
    },
    100,
    ['EINTR', 'write', 'EINTR', 'write'],
  ],
  [
    'a pipe by a flush: interrupted before and after 30 bytes',
    {
      target: 'pipe',
      options: HELD,
      plan: { writes: ['EINTR', part(30), 'EINTR'] },
    },
    100,
    ['EINTR', 'write', 'EINTR', 'write'],
  ],
];

const NATIVE_CASES = [
  [
    'a full pipe: the wait is interrupted',
    {
      target: 'pipe',
      plan: { writes: ['EAGAIN'], polls: ['EINTR', 'EINTR'] },
    },
    100,
    ['EAGAIN', 'EINTR', 'EINTR', 'poll', 'write'],
  ],
  [
    'a full pipe: the wait fails',
    { target: 'pipe', plan: { writes: ['EAGAIN'], polls: ['ENOMEM'] } },
    100,
    ['EAGAIN', 'ENOMEM', 'write'],
  ],
  [
    'a full pipe with a limit: the wait is interrupted',
    {
      target: 'pipe',
      options: LIMIT,
      plan: { writes: ['EAGAIN'], polls: ['EINTR', 'EINTR'] },
    },
    100,
    ['EAGAIN', 'EINTR', 'EINTR', 'poll', 'write'],
  ],
  [
    'a full pipe with a limit: the wait fails',
    {
      target: 'pipe',
      options: LIMIT,
      plan: { writes: ['EAGAIN'], polls: ['ENOMEM'] },
    },
    100,
    ['EAGAIN', 'ENOMEM', 'write'],
  ],
  [
    'a pipe with a limit: an error after 30 bytes',
    {
      target: 'pipe',
      options: LIMIT,
      plan: { writes: [part(30), 'ENOSPC'] },
    },
    30,
    ['write', 'ENOSPC'],
  ],
  [
    'a pipe under NONBLOCK: interrupted before and after 30 bytes',
    {
      target: 'pipe',
      nonblock: true,
      plan: { writes: ['EINTR', part(30), 'EINTR'] },
    },
    30,
    ['EINTR', 'write'],
  ],
  [
    'a socket: interrupted before and after 30 bytes',
    { target: 'socket', plan: { writes: ['EINTR', part(30), 'EINTR'] } },
    100,
    ['EINTR', 'write', 'EINTR', 'write'],
  ],
  [
    'a socket with a limit: interrupted before and after 30 bytes',
    {
      target: 'socket',
      options: LIMIT,
      plan: { writes: ['EINTR', part(30), 'EINTR'] },
    },
    100,
    ['EINTR', 'sendmsg', 'EINTR', 'sendmsg'],
  ],
  [
    'a socket with a limit: full, and the wait is interrupted',
    {
      target: 'socket',
      options: LIMIT,
      plan: { writes: ['EAGAIN', part(1), 'EAGAIN'], polls: ['EINTR'] },
    },
    100,
    ['EAGAIN', 'EINTR', 'poll', 'sendmsg', 'EAGAIN', 'poll', 'sendmsg'],
  ],
  [
    'a socket with a limit of nothing: full for a moment after 30 bytes',
    {
      target: 'socket',
      options: { waitTimeout: 0 },
      plan: { writes: [part(30), 'EAGAIN'] },
    },
    100,
    ['sendmsg', 'EAGAIN', 'poll', 'sendmsg'],
  ],
  [
    'a socket with a limit: an error after 30 bytes',
    {
      target: 'socket',
      options: LIMIT,
      plan: { writes: [part(30), 'ENOBUFS'] },
    },
    30,
    ['sendmsg', 'ENOBUFS'],
  ],
  [
    'a socket with a limit: an error at once',
    { target: 'socket', options: LIMIT, plan: { writes: ['ENOBUFS'] } },
    -ERRNO.NOBUFS,
    ['ENOBUFS'],
  ],
  [
    'a socket under NONBLOCK: interrupted, and a part',
    {
      target: 'socket',
      nonblock: true,
      plan: { writes: ['EINTR', part(30)] },
    },
    30,
    ['EINTR', 'sendmsg'],
  ],
  [
    'a socket under NONBLOCK: full',
    { target: 'socket', nonblock: true, plan: { writes: ['EAGAIN'] } },
    -ERRNO.AGAIN,
    ['EAGAIN'],
  ],
  [
    'a socket with a limit by a flush: interrupted after 30 bytes',
    {
      target: 'socket',
      options: { ...HELD, ...LIMIT },
      plan: { writes: [part(30), 'EINTR'] },
    },
    100,
    ['sendmsg', 'EINTR', 'sendmsg'],
  ],
];

describe('A write of 100 bytes, to', () => {
  const host = useHostFiles();
  const faults = useFaults();
  const rows = native ? [...CASES, ...NATIVE_CASES] : CASES;
  let results;

  beforeEach(function run() {
    if (results !== undefined) return;
    execFileSync('mkfifo', [host.path('pipe')]);
    const cases = rows.map(([, details]) => details);
    const { status, stdout, stderr } = inChild(
      writeEach,
      [host.path(''), TEXT, cases],
      [],
      faults.env,
    );
    assert.equal(status, 0, stderr);
    const lines = stderr.split('\n');
    results = JSON.parse(stdout).map((result, i) =>
      cases[i].target === 'socket' ? { ...result, out: lines.shift() } : result,
    );
  });

  rows.forEach(([title, , told, calls], i) => {
    it(title, () => {
      assert.deepEqual(results[i], {
        told,
        calls,
        out: TEXT.slice(0, Math.max(told, 0)),
      });
    });
  });
});
