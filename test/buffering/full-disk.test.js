'use strict';

// A flush to a full disk: which bytes are kept, how the error is reported, and what
// happens to the bytes when there is room again.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { setImmediate: turn } = require('node:timers/promises');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand } = require('../helpers/command');
const { descriptorsOf, itWithProc } = require('../helpers/descriptors');
const { putIovs } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { useOutputs } = require('../helpers/outputs');
const { PREOPEN } = require('../helpers/session');
const { useSmallDisk } = require('../helpers/small-disk');
const { FILL, assertHeld } = require('../helpers/held');

const STDOUT = 1;
const ROOM = 16_384;

// How the guest gets a descriptor on the full disk. It closes the descriptor after
// the test, if not before.
const PLACES = {
  'an fd of createWrites'(open, host, disk, options) {
    const hostFd = host.open(disk.path('file'), 'w+');
    const fds = { 1: 'capture', 7: hostFd };
    return { fd: 7, session: open('createWrites', fds, options) };
  },

  'stdout of WASI'(open, host, disk, options) {
    const hostFd = fs.openSync(disk.path('file'), 'w+');
    const session = open('WASI', { 1: hostFd, 2: 'capture' }, options);
    const { end } = session;
    session.end = () => {
      end();
      for (const fd of [1, 2]) session.guest.fd_close(fd);
    };
    return { fd: STDOUT, session };
  },

  'a file that the guest opened'(open, host, disk, options) {
    const session = open(
      'WASI',
      { 1: 'capture', 2: 'capture' },
      { preopens: { '/': disk.path('') }, ...options },
    );
    const fd = session.open('file');
    const { end } = session;
    session.end = () => {
      end();
      for (const own of [2, PREOPEN, fd]) session.guest.fd_close(own);
    };
    return { fd, session };
  },
};

describe('A flush to a disk that is full', () => {
  const open = useOutputs();
  const host = useHostFiles();
  const disk = useSmallDisk();
  const BYTES = pattern(40_000);

  /** A session with `BYTES` buffered, on a disk with room for some of them. */
  function start(place, { kind = 'fd_write', ...options } = {}) {
    const started = PLACES[place](open, host, disk, {
      buffered: true,
      ...options,
    });
    const { session, fd } = started;
    disk.fill(ROOM);
    FILL[kind](session, fd, BYTES);
    assert.equal(disk.read('file').length, 0);
    const held = { fd, pending: BYTES.length - ROOM, errno: ERRNO.NOSPC };
    return { ...started, held };
  }

  const assertPart = () =>
    assertSameBytes(disk.read('file'), BYTES.subarray(0, ROOM));

  for (const place of Object.keys(PLACES)) {
    for (const buffered of [true, 'auto']) {
      for (const kind of Object.keys(FILL)) {
        const what = `${kind}s to ${place}, buffered: ${buffered}`;

        it(`delivers the rest of ${what}, once, when there is room`, () => {
          const { session, fd, held } = start(place, { kind, buffered });
          for (let i = 0; i < 3; i++) {
            assertHeld(session.flush, held);
            assertPart();
          }
          disk.makeRoom();
          session.flush();
          assertSameBytes(disk.read('file'), BYTES);
          session.flush();
          assertSameBytes(disk.read('file'), BYTES);

          const more = Buffer.from('more');
          session.pwrite(fd, more, BigInt(BYTES.length));
          session.flush();
          assertSameBytes(disk.read('file'), Buffer.concat([BYTES, more]));
        });

        it(`accepts nothing after ${what} before that`, () => {
          const { session, fd, held } = start(place, { kind, buffered });
          assertHeld(session.flush, held);
          const at = BigInt(BYTES.length);
          const tries = [
            () => session.tryWrite(fd, 'small'),
            () => session.tryPwrite(fd, 'small', at),
            () => session.tryWrite(fd, Buffer.alloc(100_000, 'large')),
            () => session.tryPwrite(fd, Buffer.alloc(100_000, 'large'), at),
          ];
          for (const attempt of [...tries, ...tries]) {
            assert.equal(attempt(), ERRNO.NOSPC);
            assertPart();
          }
          assertHeld(session.flush, held);
          disk.makeRoom();
          session.flush();
          assertSameBytes(disk.read('file'), BYTES);
        });
      }
    }

    it(`is tried again by the next write to ${place}`, () => {
      const { session, fd, held } = start(place);
      assertHeld(session.flush, held);
      assert.equal(session.tryWrite(fd, 'not taken'), ERRNO.NOSPC);
      disk.makeRoom();
      session.write(fd, 'taken');
      session.flush();
      assertSameBytes(
        disk.read('file'),
        Buffer.concat([BYTES, Buffer.from('taken')]),
      );
    });

    it(`goes on as far as there is room for ${place}`, () => {
      const { session, fd, held } = start(place);
      assertHeld(session.flush, held);
      for (const room of [ROOM + 4096, ROOM + 20_480]) {
        disk.makeRoom();
        disk.fill(room);
        assertHeld(session.flush, { ...held, pending: BYTES.length - room });
        assert.equal(session.tryWrite(fd, 'text'), ERRNO.NOSPC);
        assertSameBytes(disk.read('file'), BYTES.subarray(0, room));
      }
      disk.makeRoom();
      session.flush();
      assertSameBytes(disk.read('file'), BYTES);
    });

    it(`leaves other fds alone when ${place} fails`, () => {
      const { session, fd, held } = start(place);
      const other = fd === STDOUT ? 2 : STDOUT;
      for (let i = 0; i < 5; i++) {
        session.write(other, `text ${i}, `);
        assert.equal(session.tryWrite(fd, 'text'), ERRNO.NOSPC);
        assertHeld(session.flush, held);
      }
      assert.equal(
        session.captured(other).toString(),
        'text 0, text 1, text 2, text 3, text 4, ',
      );
      assertPart();
      disk.makeRoom();
      session.flush();
      assertSameBytes(disk.read('file'), BYTES);
    });

    it(`in a microtask keeps the bytes that ${place} did not take`, async () => {
      const { session, fd, held } = start(place);
      await turn();
      assertPart();
      assert.equal(session.tryWrite(fd, 'text'), ERRNO.NOSPC);
      assertHeld(session.flush, held);
      await turn();
      disk.makeRoom();
      session.flush();
      assertSameBytes(disk.read('file'), BYTES);
    });
  }

  // A write that causes a flush.
  for (const place of Object.keys(PLACES)) {
    it(`in the middle of many writes to ${place} loses none`, () => {
      const { session, fd } = PLACES[place](open, host, disk, {
        buffered: true,
        bufferSize: 1000,
      });
      disk.fill(ROOM);
      let done = 0;
      let failures = 0;
      for (let i = 0; done < BYTES.length; i++) {
        const part = BYTES.subarray(done, done + 1 + ((i * 37) % 1500));
        const errno = session.tryWrite(fd, part);
        if (errno === ERRNO.SUCCESS) {
          // The end of the disk can cut a large write short.
          done += session.lastResult();
        } else {
          assert.equal(errno, ERRNO.NOSPC);
          if (++failures === 3) disk.makeRoom();
        }
      }
      session.flush();
      assert.equal(failures, 3);
      assertSameBytes(disk.read('file'), BYTES);
    });
  }

  const CALLS = {
    fd_sync: ({ guest }, fd) => guest.fd_sync(fd),
    fd_datasync: ({ guest }, fd) => guest.fd_datasync(fd),
    fd_seek: ({ guest }, fd) => guest.fd_seek(fd, 0n, 0, 16),
    fd_tell: ({ guest }, fd) => guest.fd_tell(fd, 16),
    fd_read({ guest, memory }, fd) {
      putIovs(memory, 64, [[512, 10]]);
      return guest.fd_read(fd, 64, 1, 16);
    },
    fd_filestat_get: ({ guest }, fd) => guest.fd_filestat_get(fd, 512),
    fd_filestat_set_size: ({ guest }, fd) => guest.fd_filestat_set_size(fd, 3n),
    'fd_renumber from it': ({ guest }, fd) => guest.fd_renumber(fd, 2),
    'fd_renumber over it': ({ guest }, fd) => guest.fd_renumber(2, fd),
  };
  for (const place of Object.keys(PLACES)) {
    if (place === 'an fd of createWrites') continue; // createWrites has only writes
    for (const [name, call] of Object.entries(CALLS)) {
      it(`is reported by ${name} of ${place} instead`, () => {
        const { session, fd, held } = start(place);
        for (let i = 0; i < 3; i++) {
          assert.equal(call(session, fd), ERRNO.NOSPC);
          assertPart();
        }
        assertHeld(session.flush, held);
        assert.equal(call(session, fd), ERRNO.NOSPC);

        disk.makeRoom();
        session.flush();
        assert.equal(session.tell(fd), BigInt(BYTES.length));
        assertSameBytes(disk.read('file'), BYTES);
        assert.equal(call(session, fd), ERRNO.SUCCESS);
      });

      it(`is completed by ${name} of ${place} when there is room`, () => {
        const { session, fd } = start(place);
        assert.equal(call(session, fd), ERRNO.NOSPC);
        disk.makeRoom();
        assert.equal(call(session, fd), ERRNO.SUCCESS);
        const expected =
          name === 'fd_filestat_set_size' ? BYTES.subarray(0, 3) : BYTES;
        assertSameBytes(disk.read('file'), expected);
      });
    }
  }

  for (const place of Object.keys(PLACES)) {
    if (place === 'an fd of createWrites') continue;

    it(`is reported once by fd_close of ${place}, and the bytes wait`, () => {
      const { session, fd, held } = start(place);
      assert.equal(session.guest.fd_close(fd), ERRNO.NOSPC);
      assertPart();
      assert.equal(session.guest.fd_close(fd), ERRNO.BADF);
      assert.equal(session.tryWrite(fd, 'more'), ERRNO.BADF);
      assertHeld(session.flush, held);
      disk.makeRoom();
      session.flush();
      assertSameBytes(disk.read('file'), BYTES);
    });
  }

  it('does not keep a guest from opening files', () => {
    const { session, held } = start(Object.keys(PLACES).at(-1), {
      preopens: { '/': disk.path('') },
    });
    assertHeld(session.flush, held);
    session.close(session.open('other'));
    disk.makeRoom();
    session.flush();
    assertSameBytes(disk.read('file'), BYTES);
    session.guest.fd_close(PREOPEN);
  });

  it('keeps close(), map() and unmap() of createWrites from losing it', () => {
    const { session, fd, held } = start('an fd of createWrites');
    const { writes } = session;
    const losing = [
      () => writes.map(fd, 'capture'),
      () => writes.unmap(fd),
      () => writes.close(),
    ];
    for (const lose of losing) assertHeld(lose, held);
    assertPart();
    disk.makeRoom();
    writes.close();
    assertSameBytes(disk.read('file'), BYTES);
    assert.equal(session.tryWrite(fd, 'closed'), ERRNO.BADF);
  });

  for (const place of Object.keys(PLACES)) {
    it(`is dropped by discard(), from ${place}`, () => {
      const { session, fd, held } = start(place);
      const { discard } = session;
      assert.equal(discard(), held.pending);
      assertPart();
      assert.equal(discard(), 0);
      session.flush();

      disk.makeRoom();
      session.write(fd, 'after');
      assert.equal(discard(), 0);
      assertSameBytes(
        disk.read('file'),
        Buffer.concat([BYTES.subarray(0, ROOM), Buffer.from('after')]),
      );
    });
  }

  it('lets createWrites close once its bytes are dropped', () => {
    const { session, fd, held } = start('an fd of createWrites');
    const { writes } = session;
    assertHeld(writes.close, held);
    assert.equal(writes.discard(), held.pending);
    writes.close();
    assertPart();
    assert.equal(session.tryWrite(fd, 'closed'), ERRNO.BADF);
  });

  it('has its bytes out before the fd gets another target', () => {
    const { session, fd } = start('an fd of createWrites');
    disk.makeRoom();
    session.writes.map(fd, 'capture');
    assertSameBytes(disk.read('file'), BYTES);
    session.write(fd, 'captured');
    assert.equal(session.captured(fd).toString(), 'captured');
  });

  // The ends of a command.

  const ENDS = {
    return: { exitCode: 0 },
    'proc_exit()': { exitCode: 5 },
  };
  const FILE_FD = PREOPEN + 1;
  const FDS = engine === 'native' ? [STDOUT, FILE_FD] : [STDOUT];

  /** A command that leaves `BYTES` buffered for an fd, and ends in some way. */
  function endingCommand(fd, end) {
    const command = createCommand(
      {
        buffered: true,
        stdout: host.open(disk.path('stdout'), 'w'),
        preopens: { '/': disk.path('') },
      },
      (session) => {
        session.open('file');
        disk.fill(ROOM);
        FILL.fd_write(session, fd, BYTES);
        if (end === 'proc_exit()') session.guest.proc_exit(5);
        if (end === 'a trap') session.guest.trap();
      },
    );
    command.held = {
      fd,
      pending: BYTES.length - ROOM,
      errno: ERRNO.NOSPC,
    };
    return command;
  }

  for (const fd of FDS) {
    const name = fd === STDOUT ? 'stdout' : 'file';
    const assertFile = (bytes) => assertSameBytes(disk.read(name), bytes);

    // Asserts that the rest is delivered after the end.
    function assertDelivered({ wasi, session }) {
      assertFile(BYTES.subarray(0, ROOM));
      disk.makeRoom();
      for (let i = 0; i < 2; i++) {
        wasi.flush();
        assertFile(BYTES);
      }
      session.close(PREOPEN, FILE_FD);
    }

    for (const [end, details] of Object.entries(ENDS)) {
      it(`is thrown by start() after ${end}, for ${name}`, () => {
        const command = endingCommand(fd, end);
        assertHeld(command.start, command.held, details);
        assertDelivered(command);
      });
    }

    it(`does not hide a trap, for ${name}`, () => {
      const command = endingCommand(fd, 'a trap');
      assert.throws(command.start, WebAssembly.RuntimeError);
      assertDelivered(command);
    });
  }

  itWithProc('leaves no descriptor when it is closed', () => {
    const { start: run, wasi } = endingCommand(FDS.at(-1), 'return');
    assert.throws(run, { code: 'ENOSPC' });
    disk.makeRoom();
    wasi.flush();
    // The guest has closed nothing.
    assert.equal(descriptorsOf(disk.path('file')).length, 1);
    wasi.close();
    assert.equal(descriptorsOf(disk.path('file')).length, 0);
  });
});
