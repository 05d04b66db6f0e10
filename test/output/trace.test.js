'use strict';

// Messages of writes on node:diagnostics_channel.

const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const fs = require('node:fs');
const { PassThrough } = require('node:stream');
const { ERRNO } = require('../../lib/preview1');
const { BUFFERED } = require('../helpers/buffering');
const { itWithFull } = require('../helpers/full');
const { putIovs, withWASI } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { inChild, resultInChild } = require('../helpers/in-child');
const { THROUGH, useOutputs } = require('../helpers/outputs');
const { PREOPEN, Session } = require('../helpers/session');

const FD_WRITE = 'wasi-writev:fd_write';
const FD_PWRITE = 'wasi-writev:fd_pwrite';
const CHANNELS = [FD_WRITE, FD_PWRITE];

const STDOUT = 1;
const STDERR = 2;

// With several memories, the messages of buffered calls begin with the next flush.
const hasMultiMemory = WebAssembly.validate(
  Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0),
);

/** The message of a call that succeeds. */
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
 * Call it in a `describe`.
 *
 * @returns {object} `listen(...names)`: collects later messages of these channels,
 *   or of both, in `messages`; `hearNothing()`: stops that
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
          // It waits like the one before, if that waits.
          session.write(STDOUT, 'b');
          session.flush();
          session.write(STDOUT, 'c');
          session.write(STDOUT, 'd');
          hearNothing();
          session.write(STDOUT, 'e');
          session.flush();
          session.write(STDOUT, 'f');
          const seen = buffered !== false && hasMultiMemory ? 2 : 3;
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
          const offsets =
            buffered !== false && hasMultiMemory ? [2n, 3n] : [1n, 2n, 3n];
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
      session.write(fd, 'more');
      session.close(fd, PREOPEN);
      assert.deepEqual(messages, [
        success(fd, 1, 4),
        { ...success(fd, 1, 2), offset: 4n },
        success(fd, 1, 4),
      ]);
      assert.equal(dir.read('file'), 'textmore');
    });
  }

  for (const buffered of BUFFERED) {
    // In a process of its own, at whose end the unwritten bytes are dropped.
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
