'use strict';

// A flush that fails: what is held, who is told, and what becomes of the bytes
// when there is room again.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { setImmediate: turn } = require('node:timers/promises');
const { engine } = require('../..');
const { ERRNO, ERRNO_NAMES } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand } = require('../helpers/command');
const { descriptorsOf, itWithProc } = require('../helpers/descriptors');
const { describeWithFull } = require('../helpers/full');
const { putIovs } = require('../helpers/guest');
const { fill, readAvailable, useHostFiles } = require('../helpers/host-files');
const { inChild } = require('../helpers/in-child');
const { THROUGH, useOutputs } = require('../helpers/outputs');
const { Random } = require('../helpers/random');
const { replaceDescriptor } = require('../helpers/replace-descriptor');
const { PREOPEN } = require('../helpers/session');
const { useSmallDisk } = require('../helpers/small-disk');

const STDOUT = 1;
const ROOM = 16_384;
const PIPE_SIZE = 65_536;

// The fallback waits where the host left a descriptor blocking.
const CAN_LIMIT = engine === 'native' ? [false, true] : [false];

/** Asserts that `flush` says what it could not write. */
function assertHeld(flush, { fd, pending, errno }, details = {}) {
  assert.throws(flush, (error) => {
    assert.ok(error instanceof Error);
    assert.equal(
      error.message,
      `${pending} bytes for guest fd ${fd} could not be written`,
    );
    assert.deepEqual(
      { ...error },
      { code: `E${ERRNO_NAMES[errno]}`, errno, fd, pending, ...details },
    );
    return true;
  });
}

// Small writes that are all staged. Those of fd_pwrite continue one another.
const STAGE = {
  fd_write(session, fd, bytes) {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      at += session.write(fd, bytes.subarray(at, at + 1 + (i % 1500)));
    }
  },

  fd_pwrite(session, fd, bytes) {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const part = bytes.subarray(at, at + 1 + (i % 1500));
      at += session.pwrite(fd, part, BigInt(at));
    }
  },
};

// Where the descriptor of a file on a full disk comes from. The guest closes
// its own after the test, if it did not before.
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

// Without adoption such a file is not buffered.
if (engine === 'fallback') delete PLACES['a file that the guest opened'];

describe('A flush to a disk that is full', () => {
  const open = useOutputs();
  const host = useHostFiles();
  const disk = useSmallDisk();
  const BYTES = pattern(40_000);

  /** A session with all of `BYTES` staged, and a disk that has room for some. */
  function start(place, { kind = 'fd_write', ...options } = {}) {
    const started = PLACES[place](open, host, disk, {
      buffered: true,
      ...options,
    });
    const { session, fd } = started;
    disk.fill(ROOM);
    STAGE[kind](session, fd, BYTES);
    assert.equal(disk.read('file').length, 0);
    const held = { fd, pending: BYTES.length - ROOM, errno: ERRNO.NOSPC };
    return { ...started, held };
  }

  const assertPart = () =>
    assertSameBytes(disk.read('file'), BYTES.subarray(0, ROOM));

  for (const place of Object.keys(PLACES)) {
    for (const buffered of [true, 'auto']) {
      for (const kind of Object.keys(STAGE)) {
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

        it(`takes nothing behind ${what} before that`, () => {
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

    it(`in a microtask holds what ${place} did not take`, async () => {
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

  // A write that has the buffer flushed.
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
          // A large write can be cut short where the disk ends.
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
    fd_close: ({ guest }, fd) => guest.fd_close(fd),
    'fd_renumber from it': ({ guest }, fd) => guest.fd_renumber(fd, 2),
    'fd_renumber over it': ({ guest }, fd) => guest.fd_renumber(2, fd),
  };
  for (const place of Object.keys(PLACES)) {
    if (place === 'an fd of createWrites') continue; // has writes alone
    for (const [name, call] of Object.entries(CALLS)) {
      it(`is reported by ${name} of ${place}, which is not made`, () => {
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

      it(`is made up for by ${name} of ${place} when there is room`, () => {
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
    it(`is given up by discard(), from ${place}`, () => {
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

  it('lets createWrites close when it was given up', () => {
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

  // The end of a command.

  const ENDS = {
    return: { exitCode: 0 },
    'proc_exit()': { exitCode: 5 },
  };
  const FILE_FD = PREOPEN + 1;
  const FDS = engine === 'native' ? [STDOUT, FILE_FD] : [STDOUT];

  /** A command that leaves `BYTES` staged for an fd and ends in some way. */
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
        STAGE.fd_write(session, fd, BYTES);
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

    // The rest is delivered after the end.
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

  itWithProc(
    'leaves no copy of a descriptor when it has come to its end',
    () => {
      const { start: run, wasi, session } = endingCommand(FDS.at(-1), 'return');
      assert.throws(run, { code: 'ENOSPC' });
      disk.makeRoom();
      wasi.flush();
      wasi.close();
      // That of node:wasi, for a guest that closed nothing.
      assert.equal(descriptorsOf(disk.path('file')).length, 1);
      session.close(PREOPEN, FILE_FD);
      assert.equal(descriptorsOf(disk.path('file')).length, 0);
    },
  );
});

describeWithFull('A flush to /dev/full', () => {
  const open = useOutputs();
  const host = useHostFiles();

  for (const through of THROUGH) {
    it(`holds all, until its number is that of a file, under ${through}`, () => {
      const hostFd = host.open('/dev/full', 'w');
      const output = open(through, { [STDOUT]: hostFd }, { buffered: true });
      const held = { fd: STDOUT, pending: 8, errno: ERRNO.NOSPC };
      output.write(STDOUT, ['one, ', 'two']);
      assertHeld(output.flush, held);
      assert.equal(output.tryWrite(STDOUT, 'three'), ERRNO.NOSPC);
      assertHeld(output.flush, held);

      replaceDescriptor(host, hostFd, 'file');
      output.write(STDOUT, ', four');
      output.flush();
      assert.equal(host.read('file'), 'one, two, four');
    });
  }
});

describeWithFull('Guests that cannot write out what is held back', () => {
  /** Of 50 guests, how many are left of those that did `end`; stderr at the exit. */
  function leftOf(end) {
    const { stderr, stdout } = inChild(
      async (how) => {
        const fs = require('node:fs');
        const { countAlive } = require('./alive');
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const stdout = fs.openSync('/dev/full', 'w');
        const count = await countAlive(() => {
          const session = new Session(withWASI({ stdout, buffered: true }));
          session.write(1, 'text');
          try {
            session.wasi[how]();
          } catch {
            // ENOSPC
          }
          return session.wasi;
        });
        fs.writeSync(1, String(count));
      },
      [end],
      ['--expose-gc'],
    );
    return { count: Number(stdout), stderr };
  }

  it('are kept after a flush, and told of at the exit', () => {
    const { count, stderr } = leftOf('flush');
    assert.equal(count, 50);
    assert.equal(stderr.match(/4 bytes for guest fd 1 could not/g).length, 50);
  });

  it('are let go once it was given up', () => {
    const { count, stderr } = leftOf('discard');
    assert.ok(count <= 5, `${count} of 50 are alive`);
    assert.equal(stderr, '');
  });
});

describe('A flush to a pipe that is full', () => {
  const open = useOutputs();
  const host = useHostFiles();
  const BYTES = pattern(100_000);
  const HELD = {
    fd: STDOUT,
    pending: BYTES.length - PIPE_SIZE,
    errno: ERRNO.AGAIN,
  };

  for (const through of THROUGH) {
    for (const blocking of CAN_LIMIT) {
      for (const waitTimeout of [0, 5]) {
        const mode =
          `to a ${blocking ? 'blocking' : 'non-blocking'} one under ` +
          `${through}, waitTimeout: ${waitTimeout}`;

        const start = () => {
          const pipe = host.pipe({ blocking });
          const output = open(
            through,
            { [STDOUT]: pipe.writer, 2: 'capture' },
            { buffered: true, bufferSize: 2 ** 18, waitTimeout },
          );
          STAGE.fd_write(output, STDOUT, BYTES);
          assert.equal(readAvailable(pipe.reader).length, 0);
          return { output, ...pipe };
        };

        it(`holds what did not fit, ${mode}`, () => {
          const { output, reader } = start();
          for (let i = 0; i < 3; i++) assertHeld(output.flush, HELD);
          assert.equal(output.tryWrite(STDOUT, 'more'), ERRNO.AGAIN);
          output.write(2, 'another fd');
          assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
          output.flush();
          assertSameBytes(readAvailable(reader), BYTES.subarray(PIPE_SIZE));
          output.flush();
          assert.equal(readAvailable(reader).length, 0);
          assert.equal(output.captured(2).toString(), 'another fd');
        });

        it(`goes on with the next write, ${mode}`, () => {
          const { output, reader } = start();
          assertHeld(output.flush, HELD);
          const received = [readAvailable(reader)];
          output.write(STDOUT, 'more');
          received.push(readAvailable(reader));
          output.flush();
          received.push(readAvailable(reader));
          assert.equal(received[1].length, BYTES.length - PIPE_SIZE);
          assertSameBytes(
            Buffer.concat(received),
            Buffer.concat([BYTES, Buffer.from('more')]),
          );
        });

        it(`gives PIPE when the reader has gone, ${mode}`, () => {
          const { output, reader, writer } = start();
          assertHeld(output.flush, HELD);
          assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
          host.close(reader);
          const gone = { ...HELD, errno: ERRNO.PIPE };
          assertHeld(output.flush, gone);
          assert.equal(output.tryWrite(STDOUT, 'more'), ERRNO.PIPE);
          output.write(2, 'another fd');
          assertHeld(output.flush, gone);

          replaceDescriptor(host, writer, 'file');
          output.flush();
          assertSameBytes(
            fs.readFileSync(host.path('file')),
            BYTES.subarray(PIPE_SIZE),
          );
        });

        it(`takes no byte, ${mode}, where there is no room at all`, () => {
          const { output, reader, filler } = start();
          const full = fill(filler);
          assertHeld(output.flush, { ...HELD, pending: BYTES.length });
          assert.equal(output.tryWrite(STDOUT, 'more'), ERRNO.AGAIN);
          assertSameBytes(readAvailable(reader), full);
          assertHeld(output.flush, HELD);
          assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
          output.flush();
          assertSameBytes(readAvailable(reader), BYTES.subarray(PIPE_SIZE));
        });
      }
    }
  }

  it('is thrown by start()', () => {
    const { reader, writer } = host.pipe({ blocking: false });
    const { wasi, start } = createCommand(
      { stdout: writer, buffered: true, bufferSize: 2 ** 18, waitTimeout: 0 },
      (session) => STAGE.fd_write(session, STDOUT, BYTES),
    );
    assertHeld(start, HELD, { exitCode: 0 });
    assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
    wasi.flush();
    assertSameBytes(readAvailable(reader), BYTES.subarray(PIPE_SIZE));
  });

  // Whatever the guest was told is written arrives, once and in order, whoever
  // reads when. A file and a capture are written in between.
  for (const through of THROUGH) {
    for (let seed = 1; seed <= 6; seed++) {
      it(`loses nothing, whatever happens in between: ${through}, ${seed}`, () => {
        const random = new Random(seed);
        const pipe = host.pipe({ blocking: false });
        const output = open(
          through,
          { 1: pipe.writer, 2: 'capture' },
          { buffered: true, bufferSize: 5000, waitTimeout: 0 },
        );
        const source = pattern(2 ** 20);
        const sent = { 1: 0, 2: 0 };
        const received = [];
        const seen = { failed: 0, short: 0, flushFailed: 0 };

        const write = (fd) => {
          const size = random.oneIn(20)
            ? random.between(5001, 90_000)
            : random.between(1, 3000);
          const part = source.subarray(sent[fd], sent[fd] + size);
          const errno = output.tryWrite(fd, [
            part.subarray(0, size >> 1),
            part.subarray(size >> 1),
          ]);
          if (errno === ERRNO.SUCCESS) {
            const count = output.lastResult();
            sent[fd] += count;
            if (count < part.length) seen.short++;
          } else {
            assert.equal(errno, ERRNO.AGAIN);
            assert.equal(fd, STDOUT);
            seen.failed++;
          }
        };
        const read = () => {
          const chunk = Buffer.alloc(random.between(1, 60_000));
          try {
            const count = fs.readSync(pipe.reader, chunk);
            received.push(chunk.subarray(0, count));
          } catch (error) {
            assert.equal(error.code, 'EAGAIN');
          }
        };
        const flush = () => {
          try {
            output.flush();
          } catch ({ code }) {
            assert.equal(code, 'EAGAIN');
            seen.flushFailed++;
          }
        };

        while (sent[1] < 800_000) {
          write(random.oneIn(10) ? 2 : STDOUT);
          if (random.oneIn(15)) read();
          if (random.oneIn(30)) flush();
        }
        for (let held = true; held;) {
          received.push(readAvailable(pipe.reader));
          const before = seen.flushFailed;
          flush();
          held = seen.flushFailed > before;
        }
        received.push(readAvailable(pipe.reader));

        assertSameBytes(Buffer.concat(received), source.subarray(0, sent[1]));
        assertSameBytes(output.captured(2), source.subarray(0, sent[2]));
        for (const count of Object.values(seen)) {
          assert.ok(count > 0, JSON.stringify(seen));
        }
      });
    }
  }
});

describeWithFull('A run that a trap ends, on a full device', () => {
  // Prints what was thrown.
  function trap(args) {
    const fs = require('node:fs');
    const { runSync } = require('../..');
    try {
      runSync('../guests/toolbox.wasm', {
        args,
        buffered: true,
        stdout: fs.openSync('/dev/full', 'w'),
      });
    } catch ({ name, code }) {
      console.log(name, code);
    }
  }

  it('says on stderr what is lost, since the caller gets the trap', () => {
    const { stdout, stderr } = inChild(trap, [['trap', 'text', 'more']]);
    assert.equal(stdout, 'RuntimeError undefined\n');
    assert.equal(
      stderr,
      'wasi-writev: 4 bytes for guest fd 1 could not be written: ENOSPC\n',
    );
  });

  it('says nothing there where the caller gets a FlushError', () => {
    const { stdout, stderr } = inChild(trap, [['say', 'text']]);
    assert.equal(stdout, 'Error ENOSPC\n');
    assert.equal(stderr, '');
  });
});
