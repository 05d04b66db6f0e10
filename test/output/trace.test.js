'use strict';

// Who writes what: node:diagnostics_channel, and NODE_DEBUG=wasi-writev.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { itWithFull } = require('../helpers/full');
const { putIovs, withWASI } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { useHostFiles } = require('../helpers/host-files');
const { commandLine, inChild, resultInChild } = require('../helpers/in-child');
const { itWith } = require('../helpers/installed');
const { THROUGH, useOutputs } = require('../helpers/outputs');
const { Random } = require('../helpers/random');
const { PREOPEN, Session } = require('../helpers/session');

const FD_WRITE = 'wasi-writev:fd_write';
const FD_PWRITE = 'wasi-writev:fd_pwrite';
const CHANNELS = [FD_WRITE, FD_PWRITE];

const STDOUT = 1;
const STDERR = 2;
const BUFFERED = [false, true, 'auto'];
const HELPERS = path.join(__dirname, '..', 'helpers');

/** A message of a call that succeeded. */
const success = (fd, iovsLen, nwritten) => ({
  fd,
  iovsLen,
  nwritten,
  errno: ERRNO.SUCCESS,
  errnoName: 'SUCCESS',
});

const failure = (fd, iovsLen, errnoName) => ({
  fd,
  iovsLen,
  nwritten: 0,
  errno: ERRNO[errnoName],
  errnoName,
});

/**
 * To be called in a `describe`.
 *
 * @returns {object} `listen(...names)`: from here on the messages of these
 *   channels, or of both, are put in `messages`; `hearNothing()`: no longer
 */
function useChannels() {
  let listeners = [];
  const messages = [];

  function hearNothing() {
    for (const pair of listeners) unsubscribe(...pair);
    listeners = [];
  }

  afterEach(() => {
    hearNothing();
    messages.length = 0;
  });

  return {
    messages,
    hearNothing,
    listen(...names) {
      for (const name of names.length === 0 ? CHANNELS : names) {
        const pair = [name, (message) => messages.push(message)];
        subscribe(...pair);
        listeners.push(pair);
      }
    },
  };
}

describe('a message for each write', () => {
  const dir = useHostFiles();
  const start = useOutputs();
  const { hearNothing, listen, messages } = useChannels();

  for (const through of THROUGH) {
    for (const buffered of BUFFERED) {
      describe(`through ${through}, buffered: ${buffered}`, () => {
        let session;

        beforeEach(() => {
          const fds = { 1: dir.open('out', 'w+'), 2: dir.open('err', 'w+') };
          session = start(through, fds, { buffered });
        });

        it('tells the fd, the length of the list and the bytes', () => {
          listen();
          session.write(STDOUT, ['four', '', 'five ']);
          session.write(STDERR, 'error');
          assert.deepEqual(messages, [
            success(STDOUT, 3, 9),
            success(STDERR, 1, 5),
          ]);
        });

        it('tells the offset of an fd_pwrite as a BigInt', () => {
          listen();
          session.pwrite(STDOUT, 'abc', 0n);
          session.pwrite(STDOUT, ['d', 'ef'], 3n);
          session.pwrite(STDOUT, 'x', 2n ** 40n);
          assert.deepEqual(messages, [
            { ...success(STDOUT, 1, 3), offset: 0n },
            { ...success(STDOUT, 2, 3), offset: 3n },
            { ...success(STDOUT, 1, 1), offset: 2n ** 40n },
          ]);
        });

        it('is on the channel of its function alone', () => {
          listen(FD_WRITE);
          session.write(STDOUT, 'one');
          session.pwrite(STDOUT, 'two', 3n);
          assert.deepEqual(messages, [success(STDOUT, 1, 3)]);

          hearNothing();
          listen(FD_PWRITE);
          session.flush();
          session.write(STDOUT, 'one');
          session.pwrite(STDOUT, 'two', 3n);
          assert.deepEqual(messages.slice(1), [
            { ...success(STDOUT, 1, 3), offset: 3n },
          ]);
        });

        for (const bufferSize of [65536, 100]) {
          it(`is there for each of many that fill ${bufferSize} bytes`, () => {
            const fds = { 1: dir.open('many', 'w') };
            const session = start(through, fds, { buffered, bufferSize });
            listen();
            const expected = [];
            let text = '';
            for (let i = 1; i <= 500; i++) {
              const part = `${i} `.repeat(i % 60);
              session.write(STDOUT, [part, '.']);
              text += `${part}.`;
              expected.push(success(STDOUT, 2, part.length + 1));
            }
            session.flush();
            assert.deepEqual(messages, expected);
            assert.equal(dir.read('many'), text);
          });
        }

        it('is there for a list that has no bytes', () => {
          listen();
          session.write(STDOUT, []);
          session.write(STDOUT, ['', '']);
          assert.deepEqual(messages, [
            success(STDOUT, 0, 0),
            success(STDOUT, 2, 0),
          ]);
        });

        it('tells why a call failed, and no bytes', () => {
          const { guest, memory } = session;
          const size = memory.buffer.byteLength;
          const LIST = 4096;
          const NWRITTEN = 16;
          session.write(STDOUT, 'leaves a count at nwritten');
          putIovs(memory, LIST, [[size - 1, 2]]);
          listen();

          guest.fd_write(99, LIST, 0, NWRITTEN);
          guest.fd_write(-1, LIST, 0, NWRITTEN);
          guest.fd_write(STDOUT, LIST, 1, NWRITTEN);
          guest.fd_write(STDOUT, LIST, 0, size - 3);
          guest.fd_write(STDOUT, LIST, 0x20000000, NWRITTEN);
          guest.fd_write(STDOUT, LIST, -1, NWRITTEN);
          guest.fd_pwrite(99, LIST, 0, 1n, NWRITTEN);
          session.tryPwrite(STDOUT, 'x', -1n);
          assert.deepEqual(messages, [
            failure(99, 0, 'BADF'),
            failure(0xffffffff, 0, 'BADF'),
            failure(STDOUT, 1, 'FAULT'),
            failure(STDOUT, 0, 'FAULT'),
            failure(STDOUT, 0x20000000, 'FAULT'),
            failure(STDOUT, 0xffffffff, 'FAULT'),
            { ...failure(99, 0, 'BADF'), offset: 1n },
            { ...failure(STDOUT, 1, 'INVAL'), offset: 2n ** 64n - 1n },
          ]);
        });

        it('is there from the next flush on, and until nobody listens', () => {
          session.write(STDOUT, 'a');
          listen();
          // Goes where the one before waits, if that waits.
          session.write(STDOUT, 'b');
          session.flush();
          session.write(STDOUT, 'c');
          session.write(STDOUT, 'd');
          hearNothing();
          session.write(STDOUT, 'e');
          session.flush();
          session.write(STDOUT, 'f');
          const seen = buffered === false ? 3 : 2;
          assert.deepEqual(messages, Array(seen).fill(success(STDOUT, 1, 1)));
          session.flush();
          assert.equal(dir.read('out'), 'abcdef');
        });

        it('does so for fd_pwrite too', () => {
          session.pwrite(STDOUT, 'a', 0n);
          listen();
          session.pwrite(STDOUT, 'b', 1n);
          session.flush();
          session.pwrite(STDOUT, 'c', 2n);
          session.pwrite(STDOUT, 'd', 3n);
          hearNothing();
          session.pwrite(STDOUT, 'e', 4n);
          const offsets = buffered === false ? [1n, 2n, 3n] : [2n, 3n];
          assert.deepEqual(
            messages,
            offsets.map((offset) => ({ ...success(STDOUT, 1, 1), offset })),
          );
          session.flush();
          assert.equal(dir.read('out'), 'abcde');
        });

        it('goes to all who listen', () => {
          listen(FD_WRITE, FD_WRITE);
          session.write(STDOUT, 'x');
          assert.deepEqual(messages, Array(2).fill(success(STDOUT, 1, 1)));
        });

        it('may make its listener call the guest', () => {
          let left = 3;
          const echo = ({ fd }) => {
            if (left-- > 0) session.write(fd === STDOUT ? STDERR : STDOUT, 'e');
          };
          listen();
          subscribe(FD_WRITE, echo);
          session.write(STDOUT, 'first');
          unsubscribe(FD_WRITE, echo);
          session.flush();
          assert.deepEqual(messages, [
            success(STDOUT, 1, 5),
            success(STDERR, 1, 1),
            success(STDOUT, 1, 1),
            success(STDERR, 1, 1),
          ]);
          assert.equal(dir.read('out'), 'firste');
          assert.equal(dir.read('err'), 'ee');
        });

        it('is there for every kind of target', () => {
          for (const target of ['capture', () => {}, new PassThrough()]) {
            const session = start(through, { 1: target }, { buffered });
            listen();
            session.write(STDOUT, ['to ', 'it']);
            session.write(STDOUT, 'more');
            assert.deepEqual(messages, [
              success(STDOUT, 2, 5),
              success(STDOUT, 1, 4),
            ]);
            hearNothing();
            messages.length = 0;
          }
        });

        it('tells how much of a write was taken', () => {
          const options = { buffered, captureLimit: 6 };
          const session = start(through, { 1: 'capture' }, options);
          listen();
          session.write(STDOUT, '1234');
          session.write(STDOUT, '5678');
          session.tryWrite(STDOUT, '9');
          assert.deepEqual(messages, [
            success(STDOUT, 1, 4),
            success(STDOUT, 1, 2),
            failure(STDOUT, 1, 'NOSPC'),
          ]);
        });
      });
    }
  }

  for (const buffered of BUFFERED) {
    it(`is there for files of the guest, buffered: ${buffered}`, () => {
      const started = withWASI({
        buffered,
        preopens: { '/': dir.path('.') },
      });
      const session = new Session(started);
      listen();
      const fd = session.open('file');
      session.write(fd, 'text');
      session.pwrite(fd, 'at', 4n);
      // After this Node writes them.
      session.wasi.close();
      session.write(fd, 'more');
      session.close(fd, PREOPEN);
      assert.deepEqual(messages, [
        success(fd, 1, 4),
        { ...success(fd, 1, 2), offset: 4n },
        success(fd, 1, 4),
      ]);
      assert.equal(dir.read('file'), 'textmore');
      const { adopted, delegated } = session.wasi.stats;
      const own = engine === 'native';
      assert.deepEqual([adopted, delegated], own ? [1, 1] : [0, 3]);
    });
  }

  for (const buffered of BUFFERED) {
    // In a process of its own: what is held back goes with it.
    itWithFull(`tells of a full disk, buffered: ${buffered}`, () => {
      const { status, stdout } = inChild(
        (mode) => {
          const { subscribe } = require('node:diagnostics_channel');
          const { withWASI } = require('./guest');
          const { Session } = require('./session');
          const stdout = fs.openSync('/dev/full', 'w');
          const session = new Session(withWASI({ stdout, buffered: mode }));
          const messages = [];
          subscribe('wasi-writev:fd_write', (message) =>
            messages.push([message.nwritten, message.errnoName]),
          );
          const errnos = [
            session.tryWrite(1, 'held'),
            session.guest.fd_sync(1),
            session.tryWrite(1, 'more'),
          ];
          fs.writeSync(1, JSON.stringify({ errnos, messages }));
        },
        [buffered],
      );
      assert.equal(status, 0);
      const { errnos, messages } = JSON.parse(stdout);
      const { INVAL, NOSPC, SUCCESS } = ERRNO;
      const lost = [0, 'NOSPC'];
      if (buffered === true) {
        assert.deepEqual(errnos, [SUCCESS, NOSPC, NOSPC]);
        assert.deepEqual(messages, [[4, 'SUCCESS'], lost]);
      } else {
        assert.deepEqual(errnos, [NOSPC, INVAL, NOSPC]);
        assert.deepEqual(messages, [lost, lost]);
      }
    });

    it(`disturbs no guest if a listener throws, buffered: ${buffered}`, () => {
      const file = dir.path('file');
      const { seen, uncaught } = resultInChild(
        async (name, mode) => {
          const { subscribe } = require('node:diagnostics_channel');
          const { runCommand } = require('./command');
          const uncaught = [];
          process.on('uncaughtException', ({ message }) =>
            uncaught.push(message),
          );
          for (const channel of ['fd_write', 'fd_pwrite']) {
            subscribe(`wasi-writev:${channel}`, () => {
              throw new Error(`on ${channel}`);
            });
          }
          const stdout = require('node:fs').openSync(name, 'w');
          const seen = [];
          const { exitCode, wasi } = runCommand(
            { stdout, buffered: mode },
            (session) => {
              seen.push(session.write(1, 'one '));
              seen.push(session.write(1, ['two', ' ']));
              seen.push(session.pwrite(1, 'three', 8n));
              seen.push(session.tryWrite(99, 'four'));
            },
          );
          seen.push(exitCode, wasi.stats.bytes);
          await new Promise(setImmediate);
          return { seen, uncaught };
        },
        [file, buffered],
      );
      assert.deepEqual(seen, [4, 4, 5, ERRNO.BADF, 0, 13]);
      assert.deepEqual(uncaught, [
        'on fd_write',
        'on fd_write',
        'on fd_pwrite',
        'on fd_write',
      ]);
      assert.equal(dir.read('file'), 'one two three');
    });
  }
});

/** Writes a program of random calls, and says what became of each. */
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
 * Run in a process: a guest writes to `file` as `calls` say. Gives the messages,
 * and the counters at the end.
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
  // Two that fail.
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
  /** What a function prints to stderr when its process has this NODE_DEBUG. */
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
    'fd_pwrite fd=1 iovs=2 offset=18446744073709551615 nwritten=0 errno=INVAL',
  ];

  /** The counters as a line. */
  const lineOf = (stats) =>
    Object.entries(stats)
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
    const counters =
      'calls=1 bytes=4 native=1 staged=0 flushes=0 adopted=0 delegated=0';
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
