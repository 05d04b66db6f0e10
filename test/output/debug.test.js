'use strict';

// The trace against the counters, and NODE_DEBUG=wasi-writev.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { BUFFERED } = require('../helpers/buffering');
const { guestPath } = require('../helpers/guest-path');
const { useHostFiles } = require('../helpers/host-files');
const { commandLine, resultInChild } = require('../helpers/in-child');
const { itWith } = require('../helpers/installed');
const { Random } = require('../helpers/random');

const HELPERS = path.join(__dirname, '..', 'helpers');

/** Writes random calls, and records the result of each. */
function makeCalls(seed) {
  const random = new Random(seed);
  return Array.from({ length: 150 }, () => {
    const lengths = Array.from({ length: random.between(1, 4) }, () =>
      random.between(0, random.oneIn(10) ? 9000 : 40),
    );
    return random.oneIn(3)
      ? { lengths, offset: random.below(5000) }
      : { lengths };
  });
}

/**
 * Runs in a process: a guest makes `calls` on `file`. Returns the messages, and the
 * final counters.
 */
function writeAndTell(file, calls, buffered) {
  const { subscribe } = require('node:diagnostics_channel');
  const { withWASI } = require('./guest');
  const { Session } = require('./session');
  const messages = [];
  for (const channel of ['fd_write', 'fd_pwrite']) {
    subscribe(`wasi-writev:${channel}`, ({ nwritten, errnoName, offset }) =>
      messages.push([nwritten, errnoName, offset && Number(offset)]),
    );
  }
  const stdout = fs.openSync(file, 'w');
  const session = new Session(withWASI({ stdout, buffered }));
  for (const { lengths, offset } of calls) {
    const list = lengths.map((length) => 'x'.repeat(length));
    if (offset === undefined) session.tryWrite(1, list);
    else session.tryPwrite(1, list, BigInt(offset));
  }
  // Two calls that fail.
  session.tryWrite(99, 'x');
  session.tryPwrite(1, 'x', -1n);
  session.wasi.flush();
  return { messages, stats: session.wasi.stats };
}

describe('the trace', () => {
  const dir = useHostFiles();
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const succeeded = (messages) =>
    messages.filter(([, errnoName]) => errnoName === 'SUCCESS');

  for (const buffered of BUFFERED) {
    it(`has the calls and bytes of the counters, buffered: ${buffered}`, () => {
      const { messages, stats } = resultInChild(writeAndTell, [
        dir.path('out'),
        makeCalls(1),
        buffered,
      ]);
      assert.equal(messages.length, 152);
      assert.equal(succeeded(messages).length, stats.calls);
      assert.equal(stats.calls, 150);
      assert.equal(sum(messages.map(([nwritten]) => nwritten)), stats.bytes);
    });

    itWith('strace')(`has what the kernel saw, buffered: ${buffered}`, () => {
      const file = dir.path('out');
      dir.write('out', '');
      const log = dir.path('log');
      const body = `async (...args) => {
        const told = (${writeAndTell})(...args);
        require('node:fs').writeSync(1, JSON.stringify(told));
      }`;
      const syscalls = 'trace=write,writev,pwrite64,pwritev,pwritev2';
      const child = spawnSync(
        'strace',
        ['-f', '-qq', '-e', syscalls, '-e', 'signal=none', '-P', file].concat(
          ['-o', log],
          commandLine(body, [file, makeCalls(2), buffered]),
        ),
        { cwd: HELPERS, encoding: 'utf8' },
      );
      assert.deepEqual([child.status, child.stderr], [0, '']);
      const { messages, stats } = JSON.parse(child.stdout);
      const written = [...dir.read('log').matchAll(/ (p?)write.* = (\d+)$/gm)]
        .map(([, positioned, count]) => [Number(count), positioned === 'p'])
        .filter(([count]) => count > 0);
      const bytes = sum(written.map(([count]) => count));
      assert.equal(bytes, sum(messages.map(([nwritten]) => nwritten)));
      assert.equal(bytes, stats.bytes);

      if (buffered === false) {
        assert.deepEqual(
          written,
          succeeded(messages)
            .filter(([nwritten]) => nwritten > 0)
            .map(([nwritten, , offset]) => [nwritten, offset !== null]),
        );
      } else {
        const empty = succeeded(messages).filter(([count]) => count === 0);
        const direct = stats.native - empty.length;
        assert.equal(written.length, stats.flushes + direct);
      }
    });
  }
});

describe('NODE_DEBUG=wasi-writev', () => {
  /** The stderr of a function in a process with this NODE_DEBUG. */
  function debugged(body, NODE_DEBUG, args = []) {
    const [node, ...rest] = commandLine(body, args);
    const env = { ...process.env, NODE_DEBUG };
    const options = { cwd: HELPERS, encoding: 'utf8', env };
    const { pid, status, stdout, stderr } = spawnSync(node, rest, options);
    assert.equal(status, 0, stderr);
    const prefix = `WASI-WRITEV ${pid}: `;
    const lines = stderr.split('\n').slice(0, -1);
    return { lines, stdout, prefix };
  }

  const writeSome = (buffered) => {
    const { runCommand } = require('./command');
    const { wasi } = runCommand({ stdout: 'capture', buffered }, (session) => {
      session.write(1, ['hello, ', 'world\n']);
      session.tryPwrite(1, 'x', 7n);
      session.tryWrite(2 ** 32 - 1, 'x');
      session.tryPwrite(1, ['x', 'y'], -1n);
    });
    process.stdout.write(JSON.stringify(wasi.stats));
  };
  const LINES = [
    'fd_write fd=1 iovs=2 nwritten=13 errno=SUCCESS',
    'fd_pwrite fd=1 iovs=1 offset=7 nwritten=0 errno=SPIPE',
    'fd_write fd=4294967295 iovs=1 nwritten=0 errno=BADF',
    'fd_pwrite fd=1 iovs=2 offset=18446744073709551615 nwritten=0 errno=SPIPE',
  ];

  /** Formats the counters. */
  const lineOf = (stats) =>
    Object.entries(stats)
      .filter(([, value]) => typeof value === 'number')
      .map(([name, value]) => `${name}=${value}`)
      .join(' ');

  for (const buffered of BUFFERED) {
    it(`prints the calls, then the counters, buffered: ${buffered}`, () => {
      const told = debugged(writeSome, 'wasi-writev', [buffered]);
      const { lines, prefix, stdout } = told;
      const stats = JSON.parse(stdout);
      assert.deepEqual([stats.calls, stats.bytes], [1, 13]);
      assert.deepEqual(
        lines,
        [...LINES, lineOf(stats)].map((line) => prefix + line),
      );
    });
  }

  for (const [value, count] of [
    ['WASI-WRITEV', LINES.length + 1],
    ['fs-none,wasi-writev', LINES.length + 1],
    ['wasi*', LINES.length + 1],
    ['wasi', 0],
    ['', 0],
  ]) {
    it(`prints ${count} lines where it is '${value}'`, () => {
      assert.equal(debugged(writeSome, value).lines.length, count);
    });
  }

  it('prints the writes of createWrites() and run()', () => {
    const { lines, prefix, stdout } = debugged(
      async (file) => {
        const { run } = require('../..');
        const { withWrites } = require('./guest');
        const { Session } = require('./session');
        const session = new Session(withWrites({ fds: { 5: 1 } }));
        session.write(5, 'one\n');
        await run(file, { args: ['say', 'two\n'], stdout: 'inherit' });
      },
      'wasi-writev',
      [guestPath('toolbox')],
    );
    assert.equal(stdout, 'one\ntwo\n');
    const counters = 'calls=1 bytes=4 native=1 buffered=0 flushes=0';
    assert.deepEqual(lines, [
      `${prefix}fd_write fd=5 iovs=1 nwritten=4 errno=SUCCESS`,
      `${prefix}fd_write fd=1 iovs=1 nwritten=4 errno=SUCCESS`,
      `${prefix}${counters}`,
    ]);
  });

  it('prints the counters of a guest that traps too', () => {
    const { lines, prefix } = debugged(
      (file) => {
        const assert = require('node:assert/strict');
        const { runSync } = require('../..');
        assert.throws(
          () => runSync(file, { args: ['trap', 'out', ''] }),
          WebAssembly.RuntimeError,
        );
      },
      'wasi-writev',
      [guestPath('toolbox')],
    );
    const counters = lines.filter((line) => !/ fd_/.test(line));
    assert.equal(counters.length, 1);
    assert.equal(lines.at(-1), counters[0]);
    assert.ok(counters[0].startsWith(`${prefix}calls=2 bytes=3 native=`));
  });
});
