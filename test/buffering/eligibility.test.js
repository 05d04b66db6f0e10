'use strict';

// Which writes are buffered.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { Writable } = require('node:stream');
const { WASI, engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { callsInLib } = require('../helpers/coverage');
const { putIovs, withWASI } = require('../helpers/guest');
const { MEMORY_KINDS, makeGuest } = require('../helpers/memory-kinds');
const { readAvailable } = require('../helpers/host-files');
const { PREOPEN, RIGHTS, Session } = require('../helpers/session');
const { useGuests } = require('../helpers/buffering-guests');

const STDOUT = 1;
const STDERR = 2;

const IOVS = 4096;
const DATA = 8192;
const RESULT = 16;

// A terminal that nobody else uses.
const TERMINAL = '/dev/ptmx';

const hasMultiMemory = WebAssembly.validate(
  Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0),
);

// The fallback uses Node's fd_fdstat_set_flags, which differs.
const itNative = engine === 'native' ? it : it.skip;
const itMultiMemory = engine === 'native' && hasMultiMemory ? it : it.skip;

describe('A write is buffered', () => {
  const guests = useGuests();

  // Each returns a stdout, and a function that reads its output.
  const targets = {
    'a regular file': {
      kind: 'file',
      open: () => ({
        target: guests.open('file', 'w'),
        seen: () => guests.read('file'),
      }),
    },
    'a pipe': {
      kind: 'stream',
      open() {
        const { reader, writer } = guests.pipe({ blocking: true });
        return { target: writer, seen: () => `${readAvailable(reader)}` };
      },
    },
    'a terminal': {
      kind: 'stream',
      open: () => ({ target: guests.open(TERMINAL, 'r+') }),
    },
    'a device': {
      kind: 'stream',
      open: () => ({ target: guests.open('/dev/null', 'w') }),
    },
    'a function': {
      kind: 'stream',
      open() {
        const chunks = [];
        return {
          target: (chunk) => chunks.push(chunk),
          seen: () => Buffer.concat(chunks).toString(),
        };
      },
    },
    'a Writable': {
      kind: 'stream',
      open() {
        let received = '';
        const target = new Writable({
          write(chunk, encoding, done) {
            received += chunk;
            done();
          },
        });
        return { target, seen: () => received };
      },
    },
    'a capture': { kind: 'capture', open: () => ({ target: 'capture' }) },
  };

  const buffers = {
    true: { file: true, stream: true, capture: true },
    auto: { file: true, stream: false, capture: true },
    false: { file: false, stream: false, capture: true },
  };

  for (const [name, { kind, open }] of Object.entries(targets)) {
    if (name === 'a terminal' && !fs.existsSync(TERMINAL)) continue;
    for (const buffered of [true, 'auto', false]) {
      const waits = buffers[buffered][kind];
      it(`${waits ? '' : 'not '}for ${name} with buffered: ${buffered}`, () => {
        const { target, seen } = open();
        const { session, wasi } = startWith({ stdout: target, buffered });
        session.write(STDOUT, 'text');
        assert.equal(wasi.stats.buffered, waits ? 1 : 0);
        if (seen) assert.equal(seen(), waits ? '' : 'text');
        wasi.flush();
        if (seen && waits) assert.equal(seen(), 'text');
        if (kind === 'capture') assert.equal(wasi.stdout.toString(), 'text');
        assert.equal(wasi.stats.bytes, 4);
      });

      // A captured stderr is buffered too: nobody sees the difference.
      if (kind === 'capture') continue;
      it(`never for ${name} on stderr with buffered: ${buffered}`, () => {
        const { target, seen } = open();
        const { session, wasi } = startWith({ stderr: target, buffered });
        for (const text of ['one ', 'two ']) {
          session.write(STDERR, text);
          if (seen) assert.ok(seen().endsWith(text));
        }
        assert.equal(wasi.stats.buffered, 0);
        assert.equal(wasi.stats.bytes, 8);
      });
    }
  }

  function startWith(options) {
    const started = withWASI(options);
    const { wasi } = started;
    guests.atEnd(() => wasi.close());
    return { session: new Session(started), wasi };
  }

  it('never on stderr after a file of the guest took its place', () => {
    const session = guests.start({ stderr: 'stderr' });
    const fd = session.open('file');
    assert.equal(session.guest.fd_renumber(fd, STDERR), ERRNO.SUCCESS);
    session.write(STDERR, 'an error');
    assert.equal(guests.read('file'), 'an error');
  });

  for (const name of ['a pipe']) {
    it(`not for ${name} as long as the guest has NONBLOCK set`, () => {
      const { target, seen } = targets[name].open();
      const { session, wasi } = startWith({ stdout: target, buffered: true });
      const { guest } = session;
      session.write(STDOUT, 'waited');
      assert.equal(
        guest.fd_fdstat_set_flags(STDOUT, FDFLAGS.NONBLOCK),
        ERRNO.SUCCESS,
      );
      assert.equal(seen(), 'waited');
      for (const text of ['at once', 'again']) {
        session.write(STDOUT, text);
        assert.ok(seen().endsWith(text));
      }
      assert.equal(guest.fd_fdstat_set_flags(STDOUT, 0), ERRNO.SUCCESS);
      const before = wasi.stats.buffered;
      session.write(STDOUT, 'waited again');
      assert.equal(wasi.stats.buffered, before + 1);
      assert.ok(!seen().endsWith('waited again'));
      wasi.flush();
      assert.ok(seen().endsWith('waited again'));
    });
  }

  itNative(
    'for a regular file even with NONBLOCK, which means nothing there',
    () => {
      const session = guests.start();
      const fd = session.open('file', { fdflags: FDFLAGS.NONBLOCK });
      session.write(fd, 'late, ');
      session.guest.fd_fdstat_set_flags(fd, 0);
      session.write(fd, 'later');
      session.guest.fd_fdstat_set_flags(fd, FDFLAGS.NONBLOCK);
      session.write(fd, ', last');
      assert.equal(session.wasi.stats.buffered, 3);
      session.close(fd);
      assert.equal(guests.read('file'), 'late, later, last');
    },
  );

  it('not if it fails: the guest gets the errno at once', () => {
    guests.write('file', 'before');
    const { session } = startWith({
      stdout: guests.open('file', 'r'),
      buffered: true,
    });
    const { guest } = session;
    assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.BADF);
    assert.equal(session.tryPwrite(STDOUT, 'text', 0n), ERRNO.BADF);
    const rights = RIGHTS.FD_SEEK;
    assert.equal(guest.fd_fdstat_set_rights(STDOUT, rights, 0n), ERRNO.SUCCESS);
    assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.BADF);
    assert.equal(session.tryPwrite(STDOUT, 'text', 0n), ERRNO.BADF);
    assert.equal(session.tryWrite(99, 'text'), ERRNO.BADF);
    assert.equal(session.tryWrite(PREOPEN, 'text'), ERRNO.BADF);
    assert.equal(session.wasi.stats.buffered, 0);
  });

  it('not without the right to write: the guest gets the errno at once', () => {
    const session = guests.start();
    assert.equal(
      session.guest.fd_fdstat_set_rights(STDOUT, RIGHTS.FD_SEEK, 0n),
      ERRNO.SUCCESS,
    );
    assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.NOTCAPABLE);
    assert.equal(session.tryPwrite(STDOUT, 'text', 0n), ERRNO.NOTCAPABLE);
    assert.equal(session.wasi.stats.buffered, 0);
  });

  it('not for fd_pwrite without the right to seek', () => {
    const session = guests.start();
    session.write(STDOUT, 'waited');
    assert.equal(
      session.guest.fd_fdstat_set_rights(STDOUT, RIGHTS.FD_WRITE, 0n),
      ERRNO.SUCCESS,
    );
    session.write(STDOUT, ' more');
    assert.equal(session.tryPwrite(STDOUT, 'x', 11n), ERRNO.NOTCAPABLE);
    session.flush();
    assert.equal(guests.read('out'), 'waited more');
  });

  for (const name of ['a pipe', 'a function', 'a Writable', 'a capture']) {
    it(`not for fd_pwrite on ${name}, which gives SPIPE`, () => {
      const { target } = targets[name].open();
      const { session, wasi } = startWith({ stdout: target, buffered: true });
      session.write(STDOUT, 'waited');
      for (const offset of [0n, 6n]) {
        assert.equal(session.tryPwrite(STDOUT, 'x', offset), ERRNO.SPIPE);
      }
      session.write(STDOUT, ' more');
      wasi.flush();
      assert.equal(wasi.stats.bytes, 11);
    });
  }
});

describe('A write that is buffered', () => {
  const guests = useGuests();
  const COUNT = 2000;
  const SIZE = 7;

  // Starts with a buffered write, which is not in the plain case.
  function startFilled(kind, call) {
    const wasi = new WASI({
      version: 'preview1',
      stdout: guests.open('out', 'w'),
      buffered: true,
    });
    const { instance, guest, memory } = makeGuest(kind, wasi.wasiImport);
    wasi.finalizeBindings(instance, { memory });
    putIovs(memory, IOVS, [
      [DATA, 3],
      [DATA, 0],
      [DATA, 4],
    ]);
    call(guest, 0);
    return { guest, wasi };
  }

  const calls = {
    fd_write: (guest) => guest.fd_write(STDOUT, IOVS, 3, RESULT),
    fd_pwrite: (guest, i) =>
      guest.fd_pwrite(STDOUT, IOVS, 3, BigInt(SIZE * i), RESULT),
  };

  for (const [name, call] of Object.entries(calls)) {
    for (const kind of MEMORY_KINDS) {
      // There another thread may put another entry at the number.
      if (kind === 'shared') continue;
      itMultiMemory(
        `calls no JS: ${name} with a memory that is ${kind}`,
        () => {
          const { guest, wasi } = startFilled(kind, call);
          const counts = callsInLib(() => {
            for (let i = 1; i < COUNT; i++) call(guest, i);
          });
          assert.deepEqual(counts, {});
          assert.equal(wasi.stats.buffered, COUNT);
          assert.equal(guests.read('out'), '');
          wasi.flush();
          assert.equal(guests.read('out').length, COUNT * SIZE);
          assert.equal(wasi.stats.flushes, 1);
        },
      );
    }
  }
});
