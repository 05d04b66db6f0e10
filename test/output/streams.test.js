'use strict';

// Writes to pipes, sockets, terminals and devices.

const assert = require('node:assert/strict');
const os = require('node:os');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { FULL, itWithFull } = require('../helpers/full');
const { fill, readAvailable, useHostFiles } = require('../helpers/host-files');
const {
  writeToClosedSocket,
  writeToPipe,
  writeToSocket,
  writeToTerminal,
} = require('../helpers/run-writer');
const {
  CALLS,
  EMPTY_LISTS,
  LISTS,
  SMALL,
  Writer,
} = require('../helpers/list-writer');

describe('A pipe', () => {
  const host = useHostFiles();

  for (const blocking of [true, false]) {
    const kind = blocking ? 'blocking' : 'non-blocking';

    for (const [name, list] of Object.entries(LISTS)) {
      it(`that is ${kind} takes ${name}`, () => {
        const { reader, writer } = host.pipe({ blocking });
        const bytes = new Writer(writer).write(list);
        assertSameBytes(readAvailable(reader), bytes);
      });
    }

    it(`that is ${kind} gives PIPE when its reader is gone`, () => {
      const { reader, writer: hostFd } = host.pipe({ blocking });
      const writer = new Writer(hostFd);
      const bytes = writer.write(SMALL);
      assertSameBytes(readAvailable(reader), bytes);
      host.close(reader);
      assert.equal(writer.try(SMALL), ERRNO.PIPE);
      assert.equal(writer.try(LISTS['5,000 buffers']), ERRNO.PIPE);
    });

    it(`that is ${kind} gives SPIPE for fd_pwrite`, () => {
      const { reader, writer: hostFd } = host.pipe({ blocking });
      const writer = new Writer(hostFd);
      for (const list of [SMALL, LISTS['5,000 buffers']]) {
        assert.equal(writer.try(list, 0n), ERRNO.SPIPE);
      }
      assert.equal(readAvailable(reader).length, 0);
      writer.write(SMALL);
    });

    it(`that is ${kind} and full takes a write of no bytes`, () => {
      const { filler, writer: hostFd } = host.pipe({ blocking });
      fill(filler);
      const writer = new Writer(hostFd);
      for (const list of EMPTY_LISTS) writer.write(list);
    });
  }

  // A pipe on stdout keeps its mode from the start of the process until
  // process.stdout is used, which makes it non-blocking.
  for (const through of ['WASI', 'createWrites']) {
    for (const touch of [false, true]) {
      const kind = touch ? 'non-blocking' : 'blocking';

      for (const buffers of [1, 5000]) {
        it(
          `that is ${kind} gets 1,000,000 bytes past a slow reader, ` +
            `from one call of ${through} with a list of ${buffers}`,
          () => {
            const { notes, received } = writeToPipe(
              host,
              {
                through,
                touch,
                calls: 1,
                size: 1_000_000,
                buffers,
              },
              'slow',
            );
            assert.deepEqual(notes, {
              kind: 'pipe',
              nonblock: touch,
              nonblockAfter: touch,
              short: 0,
              again: 0,
              touchedOnError: 0,
              written: 1_000_000,
              errno: 0,
            });
            assertSameBytes(received, pattern(1_000_000));
          },
        );
      }

      it(
        `that is ${kind} gives ${through} a short count, then PIPE, when ` +
          'its reader goes in the middle',
        () => {
          const { notes, received } = writeToPipe(
            host,
            {
              through,
              touch,
              calls: 1,
              size: 1_000_000,
            },
            'part',
            '100000',
          );
          const { written, ...rest } = notes;
          assert.deepEqual(rest, {
            kind: 'pipe',
            nonblock: touch,
            nonblockAfter: touch,
            short: 1,
            again: 0,
            touchedOnError: 0,
            errno: ERRNO.PIPE,
          });
          assert.ok(written >= 100_000 && written < 1_000_000, `${written}`);
          assertSameBytes(received, pattern(100_000));
        },
      );
    }
  }
});

describe('A Unix socket', () => {
  const host = useHostFiles();

  for (const through of ['WASI', 'createWrites']) {
    for (const touch of [false, true]) {
      const kind = touch ? 'non-blocking' : 'blocking';

      for (const options of [
        { calls: 1, size: 1_000_000, buffers: 5000 },
        { calls: 1000, size: 1000 },
      ]) {
        it(
          `that is ${kind} gets all of ${JSON.stringify(options)} from ` +
            through,
          async () => {
            const { notes, received } = await writeToSocket(host, {
              through,
              touch,
              ...options,
            });
            assert.deepEqual(notes, {
              kind: 'socket',
              nonblock: touch,
              nonblockAfter: touch,
              short: 0,
              again: 0,
              touchedOnError: 0,
              written: 1_000_000,
              errno: 0,
            });
            assertSameBytes(received, pattern(1_000_000));
          },
        );
      }

      it(`that is ${kind} gives ${through} PIPE when its reader is gone`, async () => {
        const { notes } = await writeToClosedSocket(host, {
          through,
          touch,
          calls: 1,
          size: 10,
        });
        assert.deepEqual(notes, {
          kind: 'socket',
          nonblock: touch,
          nonblockAfter: touch,
          short: 0,
          again: 0,
          touchedOnError: 0,
          written: 0,
          errno: ERRNO.PIPE,
        });
      });

      it(`that is ${kind} tells ${through} when its reader goes in the middle`, async () => {
        const { notes, received } = await writeToSocket(
          host,
          { through, touch, calls: 1000, size: 10_000 },
          1,
        );
        assert.equal(notes.kind, 'socket');
        // A write that waits while unread bytes are discarded gets a reset; a later
        // write finds the socket shut down.
        assert.ok(
          [ERRNO.PIPE, ERRNO.CONNRESET].includes(notes.errno),
          `errno ${notes.errno}`,
        );
        assert.ok(notes.written >= received.length);
        assertSameBytes(received, pattern(received.length));
      });
    }
  }
});

describe('A terminal', () => {
  const host = useHostFiles();

  for (const through of ['WASI', 'createWrites']) {
    for (const way of ['blocking', 'nonblocking']) {
      for (const options of [
        { calls: 1, size: 100_000, buffers: 1500 },
        { calls: 100, size: 1000 },
      ]) {
        it(
          `that is ${way} gets all of ${JSON.stringify(options)} from ` +
            through,
          () => {
            const { notes, received } = writeToTerminal(
              host,
              { through, touch: false, ...options },
              way,
            );
            const nonblock = way === 'nonblocking';
            assert.deepEqual(notes, {
              kind: 'terminal',
              nonblock,
              nonblockAfter: nonblock,
              short: 0,
              again: 0,
              touchedOnError: 0,
              written: 100_000,
              errno: 0,
            });
            assertSameBytes(received, pattern(100_000));
          },
        );
      }
    }

    it(`gives ${through} IO when the other side is gone`, () => {
      const { notes } = writeToTerminal(
        host,
        { through, touch: false, calls: 1, size: 10 },
        'gone',
      );
      assert.equal(notes.errno, ERRNO.IO);
      assert.equal(notes.touchedOnError, 0);
    });
  }
});

describe('A device', () => {
  const host = useHostFiles();

  for (const [call, offset] of CALLS) {
    for (const [name, list] of Object.entries(LISTS)) {
      it(`that is null takes ${name} with ${call}`, () => {
        new Writer(host.open(os.devNull, 'w')).write(list, offset);
      });

      itWithFull(`/dev/full gives NOSPC for ${name} with ${call}`, () => {
        const writer = new Writer(host.open(FULL, 'w'));
        assert.equal(writer.try(list, offset), ERRNO.NOSPC);
      });
    }

    itWithFull(`/dev/full takes a ${call} of no bytes`, () => {
      const writer = new Writer(host.open(FULL, 'w'));
      for (const list of EMPTY_LISTS) writer.write(list, offset);
    });
  }
});
