'use strict';

// Full streams: which writes wait, how long, and what the guest gets.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { WASI, createWrites, engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { putIovs, u32, withWASI, withWrites } = require('../helpers/guest');
const {
  fill,
  isNonblock,
  readAvailable,
  useHostFiles,
} = require('../helpers/host-files');
const { commandLine } = require('../helpers/in-child');
const { itWith } = require('../helpers/installed');
const {
  writeToPipe,
  writeToSocket,
  writeToTerminal,
  writeToUnreadSocket,
} = require('../helpers/run-writer');

const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;
const DATA = 65536;

// More than a pipe can hold.
const LARGE = 2 ** 19;

// The fallback waits on a descriptor that the host left blocking.
const CAN_LIMIT = engine === 'native' ? [false, true] : [false];

const nameOf = (blocking) => (blocking ? 'blocking' : 'non-blocking');

const GUESTS = {
  WASI: (hostFd, options) => withWASI({ stdout: hostFd, ...options }),
  createWrites: (hostFd, options) =>
    withWrites({ fds: { 1: hostFd }, ...options }),
};

/** A guest with `hostFd` as its descriptor 1, and `LARGE` bytes at `DATA`. */
function guestOn(hostFd, through, options) {
  const { guest, memory } = GUESTS[through](hostFd, options);
  memory.grow(LARGE / 65536);
  new Uint8Array(memory.buffer).set(pattern(LARGE), DATA);
  return {
    guest,
    /** Writes from `at` on. Returns the errno and the count, or only the errno. */
    write(at, length) {
      putIovs(memory, IOVS, [[DATA + at, length]]);
      new DataView(memory.buffer).setUint32(NWRITTEN, UNTOUCHED, true);
      const errno = guest.fd_write(1, IOVS, 1, NWRITTEN);
      if (errno === ERRNO.SUCCESS)
        return { errno, count: u32(memory, NWRITTEN) };
      assert.equal(u32(memory, NWRITTEN), UNTOUCHED);
      return { errno };
    },
  };
}

describe('A pipe on stdout with a reader that starts late', () => {
  const host = useHostFiles();
  const total = 1_000_000;

  for (const through of ['WASI', 'createWrites']) {
    for (const touch of [false, true]) {
      const after = touch ? 'after process.stdout was touched' : 'untouched';

      for (const options of [
        { calls: 1000, size: 1000 },
        { calls: 1000, size: 1000, waitTimeout: 60_000 },
        { calls: 20, size: 50_000, buffers: 1500 },
      ]) {
        it(`gets all of ${JSON.stringify(options)} from ${through}, ${after}`, () => {
          const { notes, received } = writeToPipe(
            host,
            { through, touch, ...options },
            'late',
          );
          assert.deepEqual(notes, {
            kind: 'pipe',
            nonblock: touch,
            nonblockAfter: touch,
            short: 0,
            again: 0,
            touchedOnError: 0,
            written: total,
            errno: 0,
          });
          assertSameBytes(received, pattern(total));
        });
      }

      it(`gets all from ${through}, ${after}, whatever signals come`, () => {
        const pid = host.path('pid');
        const { notes, received } = writeToPipe(
          host,
          { through, touch, pid, calls: 100, size: 10_000 },
          'signals',
          pid,
        );
        assert.deepEqual(notes, {
          kind: 'pipe',
          nonblock: touch,
          nonblockAfter: touch,
          short: 0,
          again: 0,
          touchedOnError: 0,
          written: total,
          errno: 0,
        });
        assertSameBytes(received, pattern(total));
      });
    }
  }
});

describe('A guest that set NONBLOCK on its stdout', () => {
  const host = useHostFiles();
  const total = 1_000_000;

  // The guest repeats a call after AGAIN, and goes on after a short count.
  for (const touch of [false, true]) {
    const kind = nameOf(!touch);

    for (const options of [
      { calls: 1000, size: 1000 },
      { calls: 10, size: 100_000, buffers: 1500 },
    ]) {
      it(
        `delivers each byte of ${JSON.stringify(options)} once to a ${kind} ` +
          'pipe',
        () => {
          // Where the fallback has to wait, the guest never sees a full pipe.
          const waits = engine === 'fallback' && !touch;
          const full = host.path('full');
          const { notes, received } = writeToPipe(
            host,
            { through: 'WASI', touch, nonblock: true, full, ...options },
            ...(waits ? ['late'] : ['after', full]),
          );
          const { again, short, ...rest } = notes;
          assert.deepEqual(rest, {
            kind: 'pipe',
            nonblock: touch,
            nonblockAfter: touch,
            set: 0,
            touchedOnError: 0,
            written: total,
            errno: 0,
          });
          assert.equal(again > 0, !waits);
          // A pipe cannot hold a large call, and takes a small one whole or not at
          // all.
          assert.equal(short > 0, !waits && options.size > 65536);
          assertSameBytes(received, pattern(total));
        },
      );
    }
  }

  for (const blocking of CAN_LIMIT) {
    it(
      `gets AGAIN from a full ${nameOf(blocking)} pipe only when no byte went ` +
        'out',
      () => {
        const { reader, writer } = host.pipe({ blocking });
        const { guest, write } = guestOn(writer, 'WASI');
        assert.equal(guest.fd_fdstat_set_flags(1, FDFLAGS.NONBLOCK), 0);
        let done = 0;
        let result = write(0, LARGE);
        while (result.errno === ERRNO.SUCCESS) {
          assert.ok(result.count > 0);
          done += result.count;
          result = write(done, LARGE - done);
        }
        assert.deepEqual(result, { errno: ERRNO.AGAIN });
        assert.deepEqual(write(done, 1), { errno: ERRNO.AGAIN });
        assertSameBytes(readAvailable(reader), pattern(done));

        assert.deepEqual(write(done, 10), { errno: 0, count: 10 });
        assertSameBytes(
          readAvailable(reader),
          pattern(done + 10).subarray(done),
        );
      },
    );
  }

  for (const blocking of [true, false]) {
    it(`leaves the host's descriptor ${nameOf(blocking)}`, () => {
      const { reader, writer } = host.pipe({ blocking });
      const { guest, write } = guestOn(writer, 'WASI');
      for (const flags of [FDFLAGS.NONBLOCK, 0, FDFLAGS.NONBLOCK, 0]) {
        assert.equal(guest.fd_fdstat_set_flags(1, flags), 0);
        assert.equal(isNonblock(writer), !blocking);
        assert.deepEqual(write(0, 10), { errno: 0, count: 10 });
        assert.equal(isNonblock(writer), !blocking);
      }
      assert.equal(readAvailable(reader).length, 40);
    });
  }

  for (const blocking of [true, false]) {
    it(`reads back its own flag, though the host has a ${nameOf(blocking)} pipe`, () => {
      const { writer } = host.pipe({ blocking });
      const { guest, memory } = withWASI({ stdout: writer });
      for (const flags of [0, FDFLAGS.NONBLOCK, 0]) {
        assert.equal(guest.fd_fdstat_set_flags(1, flags), 0);
        assert.equal(guest.fd_fdstat_get(1, 128), 0);
        assert.equal(new DataView(memory.buffer).getUint16(130, true), flags);
      }
    });
  }

  it('waits again after it cleared the flag', () => {
    const { filler, reader, writer } = host.pipe({ blocking: false });
    const { guest, write } = guestOn(writer, 'WASI', { waitTimeout: 20 });
    const before = fill(filler);
    assert.equal(guest.fd_fdstat_set_flags(1, FDFLAGS.NONBLOCK), 0);
    assert.equal(guest.fd_fdstat_set_flags(1, 0), 0);
    assert.deepEqual(write(0, 10), { errno: ERRNO.AGAIN });
    assertSameBytes(readAvailable(reader), before);
  });
});

describe('The option waitTimeout', () => {
  const host = useHostFiles();

  for (const through of Object.keys(GUESTS)) {
    for (const blocking of CAN_LIMIT) {
      const pipe = `a ${nameOf(blocking)} pipe that nobody reads`;

      for (const waitTimeout of [0, 1, 30]) {
        it(`gives ${through} AGAIN after ${waitTimeout} ms on ${pipe}`, () => {
          const { filler, reader, writer } = host.pipe({ blocking });
          const { write } = guestOn(writer, through, { waitTimeout });
          const before = fill(filler);
          for (const length of [1, 1000, LARGE]) {
            assert.deepEqual(write(0, length), { errno: ERRNO.AGAIN });
          }
          assert.equal(isNonblock(writer), !blocking);
          assertSameBytes(readAvailable(reader), before);

          assert.deepEqual(write(0, 1000), { errno: 0, count: 1000 });
          assertSameBytes(readAvailable(reader), pattern(1000));
        });
      }

      it(`gives ${through} a short count when a part goes out to ${pipe}`, () => {
        const { filler, reader, writer } = host.pipe({ blocking });
        const capacity = fill(filler).length;
        readAvailable(reader);
        const { write } = guestOn(writer, through, { waitTimeout: 20 });
        assert.deepEqual(write(0, LARGE), { errno: 0, count: capacity });
        assert.deepEqual(write(capacity, LARGE - capacity), {
          errno: ERRNO.AGAIN,
        });
        assertSameBytes(readAvailable(reader), pattern(capacity));
      });
    }

    for (const waitTimeout of [undefined, Infinity, 0, 2 ** 31 - 1]) {
      it(`lets ${through} write what has room with a limit of ${waitTimeout}`, () => {
        const { reader, writer } = host.pipe({ blocking: true });
        const { write } = guestOn(writer, through, { waitTimeout });
        assert.deepEqual(write(0, 10_000), { errno: 0, count: 10_000 });
        assertSameBytes(readAvailable(reader), pattern(10_000));
      });
    }

    const create =
      through === 'WASI'
        ? (waitTimeout) => new WASI({ version: 'preview1', waitTimeout })
        : (waitTimeout) => createWrites({ waitTimeout });

    for (const value of [-1, -Infinity, NaN, 0.5, 1.5, 2 ** 31, 2 ** 53]) {
      it(`is refused by ${through} with ERR_OUT_OF_RANGE: ${value}`, () => {
        assert.throws(
          () => create(value),
          (error) => {
            assert.ok(error instanceof RangeError);
            assert.equal(error.code, 'ERR_OUT_OF_RANGE');
            assert.match(error.message, /"options\.waitTimeout"/);
            assert.ok(error.message.endsWith(`Received ${value}`));
            return true;
          },
        );
      });
    }

    for (const value of [null, '100', true, 100n, {}, [100], () => 100]) {
      it(
        `is refused by ${through} with ERR_INVALID_ARG_TYPE: ` +
          `${typeof value} ${String(value)}`,
        () => {
          assert.throws(
            () => create(value),
            (error) => {
              assert.ok(error instanceof TypeError);
              assert.equal(error.code, 'ERR_INVALID_ARG_TYPE');
              assert.match(
                error.message,
                /^options\.waitTimeout must be a number/,
              );
              return true;
            },
          );
        },
      );
    }
  }

  it('does not delay a guest that set NONBLOCK', () => {
    const { filler, reader, writer } = host.pipe({ blocking: false });
    const { guest, write } = guestOn(writer, 'WASI', { waitTimeout: 60_000 });
    const before = fill(filler);
    assert.equal(guest.fd_fdstat_set_flags(1, FDFLAGS.NONBLOCK), 0);
    assert.deepEqual(write(0, 10), { errno: ERRNO.AGAIN });
    assertSameBytes(readAvailable(reader), before);
  });
});

describe('A socket or terminal that is full', () => {
  const host = useHostFiles();
  const total = 1_000_000;
  const LARGE_CALL = { through: 'WASI', calls: 1, buffers: 1500 };
  const SMALL_CALLS = { through: 'createWrites', calls: 1000 };

  // The fallback cannot handle a blocking one.
  for (const touch of engine === 'native' ? [false, true] : [true]) {
    const socket = `a ${nameOf(!touch)} socket`;

    for (const kind of [LARGE_CALL, SMALL_CALLS]) {
      const options = { ...kind, size: total / kind.calls };
      const what = JSON.stringify(options);

      it(`gives AGAIN when time is up, and ${socket} has what went out of ${what}`, () => {
        const { notes, received } = writeToUnreadSocket(host, {
          touch,
          waitTimeout: 20,
          ...options,
        });
        assert.equal(notes.kind, 'socket');
        assert.equal(notes.errno, ERRNO.AGAIN);
        assert.equal(notes.touchedOnError, 0);
        assert.equal(notes.nonblockAfter, touch);
        assert.ok(received.length > 0 && received.length < total);
        assertSameBytes(received, pattern(notes.written));
      });

      it(`takes all of ${what} through ${socket} within the limit`, async () => {
        const { notes, received } = await writeToSocket(host, {
          touch,
          waitTimeout: 60_000,
          ...options,
        });
        const { short, written, errno } = notes;
        assert.deepEqual(
          { short, written, errno },
          { short: 0, written: total, errno: 0 },
        );
        assertSameBytes(received, pattern(total));
      });
    }

    it(`gives AGAIN and short counts to a guest with NONBLOCK on ${socket}`, async () => {
      const full = host.path('full');
      const { notes, received } = await writeToSocket(
        host,
        {
          through: 'WASI',
          touch,
          nonblock: true,
          full,
          calls: 4,
          size: total / 4,
          buffers: 1500,
        },
        Infinity,
        full,
      );
      assert.ok(notes.again > 0);
      assert.ok(notes.short > 0);
      assert.equal(notes.nonblockAfter, touch);
      assert.equal(notes.errno, 0);
      assertSameBytes(received, pattern(total));
    });
  }

  if (engine !== 'native') return;

  for (const kind of [LARGE_CALL, SMALL_CALLS]) {
    const options = { ...kind, size: 100_000 / kind.calls };
    const what = JSON.stringify(options);

    it(`gives AGAIN in time on a blocking terminal: ${what}`, () => {
      const { notes, received } = writeToTerminal(
        host,
        { touch: false, waitTimeout: 20, ...options },
        'unread',
      );
      assert.equal(notes.kind, 'terminal');
      assert.equal(notes.errno, ERRNO.AGAIN);
      assert.equal(notes.nonblockAfter, false);
      assert.ok(received.length > 0 && received.length < 100_000);
      assertSameBytes(received, pattern(notes.written));
    });

    it(`takes all of ${what} through a blocking terminal within the limit`, () => {
      const { notes, received } = writeToTerminal(
        host,
        { touch: false, waitTimeout: 60_000, ...options },
        'blocking',
      );
      assert.equal(notes.errno, 0);
      assertSameBytes(received, pattern(100_000));
    });
  }
});

describe('What takes a write as a whole', () => {
  // An eventfd requires eight bytes in one call.
  const CREATE =
    'import os, sys; fd = os.eventfd(0, 0); assert fd == 3; ' +
    'os.set_inheritable(fd, True); os.execv(sys.argv[1], sys.argv[1:])';

  /** Writes 8 bytes to an eventfd in one call. Returns the errno and `nwritten`. */
  function writeEvent(options) {
    const script = (given) => {
      const { putIovs, u32, withWrites } = require('./guest');
      const { guest, memory } = withWrites({ fds: { 1: 3 }, ...given });
      putIovs(memory, 64, [
        [1024, 4],
        [1028, 4],
      ]);
      new Uint8Array(memory.buffer)[1024] = 1;
      const errno = guest.fd_write(1, 64, 2, 0);
      console.log(JSON.stringify([errno, u32(memory, 0)]));
    };
    const command = commandLine(script, [options]);
    const output = execFileSync('python3', ['-c', CREATE, ...command], {
      cwd: path.join(__dirname, '..', 'helpers'),
    });
    return JSON.parse(output);
  }

  for (const options of [{}, { waitTimeout: 0 }, { waitTimeout: 1000 }]) {
    itWith('python3')(
      `gets it as one: ${JSON.stringify(options)}`,
      function () {
        if (process.platform !== 'linux') this.skip();
        assert.deepEqual(writeEvent(options), [ERRNO.SUCCESS, 8]);
      },
    );
  }
});
