'use strict';

// A function target that calls the guest or its WASI.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { BUFFERED } = require('../helpers/buffering');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand } = require('../helpers/command');
const { FULL, itWithFull } = require('../helpers/full');
const { putIovs, withWrites } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { replaceDescriptor } = require('../helpers/replace-descriptor');
const { Session } = require('../helpers/session');

const STDOUT = 1;
const STDERR = 2;
const DATA = 65536;

const textOf = (chunk) => Buffer.from(chunk).toString();

describe('A function that comes back', () => {
  const host = useHostFiles();
  const ONE = 2048;
  const TWO = 4096;

  // `createWrites` with files at fds 3 and 4, and a list for the function: two
  // buffers, 6 bytes in all.
  function start(buffered, target) {
    const log = [];
    const started = withWrites({
      buffered,
      fds: {
        1(chunk) {
          log.push(textOf(chunk));
          target?.(started, log.length);
        },
        3: host.open('three', 'w'),
        4: host.open('four', 'w'),
      },
    });
    const session = new Session(started, DATA);
    started.memory.grow(4);
    started.inner = (fd, offset) => {
      new Uint8Array(started.memory.buffer).set(Buffer.from('in, ner'), TWO);
      putIovs(started.memory, ONE, [
        [TWO, 2],
        [TWO + 3, 4],
      ]);
      return offset === undefined
        ? started.guest.fd_write(fd, ONE, 2, ONE - 8)
        : started.guest.fd_pwrite(fd, ONE, 2, offset, ONE - 8);
    };
    return { ...started, session, log };
  }

  for (const buffered of BUFFERED) {
    describe(`(buffered: ${buffered})`, () => {
      it('may write to another fd', () => {
        const { session, writes, log } = start(buffered, ({ inner }) =>
          assert.equal(inner(4), ERRNO.SUCCESS),
        );
        session.write(1, 'one');
        assert.equal(session.write(3, ['th', '', 'ree']), 5);
        writes.flush();
        assert.deepEqual(log, ['one']);
        assert.equal(host.read('three'), 'three');
        assert.equal(host.read('four'), 'in ner');
      });

      it('may write to the fd that the guest writes to next', () => {
        const { session, writes, log } = start(buffered, ({ inner }) =>
          assert.equal(inner(3), ERRNO.SUCCESS),
        );
        session.write(1, 'one');
        assert.equal(session.write(3, ['th', '', 'ree']), 5);
        writes.flush();
        assert.deepEqual(log, ['one']);
        assert.equal(host.read('three'), 'in nerthree');
      });

      it('may write to its own fd', () => {
        const { session, writes, log } = start(buffered, ({ inner }, turn) => {
          if (turn < 3) assert.equal(inner(1), ERRNO.SUCCESS);
        });
        session.write(1, 'one');
        writes.flush();
        assert.deepEqual(log, ['one', 'in ner', 'in ner']);
      });

      it('may write in the middle of an fd_pwrite', () => {
        const { session, writes } = start(buffered, ({ inner }) =>
          assert.equal(inner(4, 2n), ERRNO.SUCCESS),
        );
        session.write(1, 'one');
        assert.equal(session.pwrite(3, ['th', 'ree'], 4n), 5);
        session.pwrite(3, '!', 9n);
        writes.flush();
        assert.equal(host.read('three'), '\0\0\0\0three!');
        assert.equal(host.read('four'), '\0\0in ner');
      });

      it('may flush', () => {
        const { session, writes, log } = start(buffered, (started) => {
          started.inner(4);
          started.writes.flush();
          assert.equal(host.read('four'), 'in ner'.repeat(log.length));
        });
        session.write(1, 'one');
        session.write(3, 'three');
        session.write(1, 'two');
        writes.flush();
        assert.deepEqual(log, ['one', 'two']);
        assert.equal(host.read('three'), 'three');
      });

      it('has nothing left by flush() of what it wrote', () => {
        const { session, writes } = start(buffered, ({ inner }) => inner(4));
        session.write(1, 'one');
        writes.flush();
        assert.equal(host.read('four'), 'in ner');
      });

      it('may grow the memory before the next bytes are held', () => {
        const { session, writes, memory } = start(buffered, () =>
          memory.grow(1),
        );
        const parts = [5, 100, 5000].map((size) => pattern(size));
        for (const part of parts) {
          session.write(1, 'one');
          session.write(3, part);
          session.write(1, 'two');
          session.pwrite(4, part, 0n);
          writes.flush();
          assertSameBytes(fs.readFileSync(host.path('four')), part);
        }
        const expected = Buffer.concat(parts);
        assertSameBytes(fs.readFileSync(host.path('three')), expected);
      });

      it('may take its own fd off', () => {
        const { session, log, writes } = start(buffered, (started) => {
          started.writes.unmap(1);
        });
        session.write(1, 'one');
        writes.flush();
        assert.deepEqual(log, ['one']);
        assert.equal(session.tryWrite(1, 'two'), ERRNO.BADF);
      });

      it('may have a capture follow it', () => {
        const { session, log, writes } = start(buffered, (started) => {
          started.writes.map(1, 'capture');
        });
        session.write(1, 'one');
        writes.flush();
        session.write(1, 'two');
        assert.deepEqual(log, ['one']);
        assert.equal(textOf(writes.captured(1)), 'two');
      });

      itWithFull('may write while bytes of another fd wait for room', () => {
        // The device is full, until a file gets its number.
        const full = host.open(FULL, 'w');
        const { session, writes, log } = start(buffered, ({ inner }) =>
          assert.equal(inner(4), ERRNO.SUCCESS),
        );
        writes.map(5, full);
        const held = buffered === true;
        assert.equal(
          session.tryWrite(5, 'waiting'),
          held ? ERRNO.SUCCESS : ERRNO.NOSPC,
        );
        session.write(1, 'one');
        try {
          writes.flush();
        } catch (error) {
          assert.equal(error.code, 'ENOSPC');
        }
        replaceDescriptor(host, full, 'five');
        writes.flush();
        assert.deepEqual(log, ['one']);
        assert.equal(host.read('four'), 'in ner');
        assert.equal(host.read('five'), held ? 'waiting' : '');
      });

      it('has its writes out when start() is over', () => {
        const { session, start: run } = createCommand(
          {
            buffered,
            stdin: host.open('file', 'w'),
            stdout: () => session.write(0, 'of the function'),
          },
          () => session.write(STDOUT, 'text'),
        );
        run();
        assert.equal(host.read('file'), 'of the function');
      });

      it('may read what is captured', () => {
        const seen = [];
        const { session, start: run } = createCommand(
          {
            buffered,
            stdout: () => seen.push(textOf(session.wasi.stderr)),
            stderr: 'capture',
          },
          () => {
            session.write(STDERR, 'err 1, ');
            session.write(STDOUT, 'out 1');
            session.write(STDERR, 'err 2');
            session.write(STDOUT, 'out 2');
          },
        );
        run();
        assert.deepEqual(seen, ['err 1, ', 'err 1, err 2']);
      });
    });
  }
});
