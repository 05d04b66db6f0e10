'use strict';

// wasi.stats: how much was written, and by what.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { Writable } = require('node:stream');
const { WASI, engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { BUFFERED, describeNative } = require('../helpers/buffering');
const { runCommand } = require('../helpers/command');
const { itWithFull } = require('../helpers/full');
const { withWASI } = require('../helpers/guest');
const { fill, useHostFiles } = require('../helpers/host-files');
const { inChild } = require('../helpers/in-child');
const { Random } = require('../helpers/random');
const { PREOPEN, RIGHTS, Session } = require('../helpers/session');

const STDOUT = 1;
const STDERR = 2;

const NOTHING = {
  calls: 0,
  bytes: 0,
  native: 0,
  buffered: 0,
  flushes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
};

/** Asserts all statistics; those not given must be 0 or false. */
function assertStats(wasi, given) {
  assert.deepEqual(wasi.stats, { ...NOTHING, ...given });
}

describe('the counters', () => {
  const dir = useHostFiles();

  /** A guest with files as stdout and stderr. */
  function start(options) {
    const stdout = dir.open('out', 'w+');
    const stderr = dir.open('err', 'w+');
    const started = withWASI({ stdout, stderr, ...options });
    return new Session(started);
  }

  /** The same with a directory. */
  const startWithDirectory = (options) =>
    start({ preopens: { '/': dir.path('.') }, ...options });

  for (const buffered of BUFFERED) {
    it(`are all 0 before the first write, buffered: ${buffered}`, () => {
      assertStats(new WASI({ version: 'preview1', buffered }), NOTHING);
      const { wasi } = start({ buffered });
      assertStats(wasi, NOTHING);
      wasi.flush();
      assertStats(wasi, NOTHING);
    });

    it(`leave out calls that failed, buffered: ${buffered}`, () => {
      const session = start({ buffered });
      const { guest, wasi } = session;
      assert.equal(session.tryPwrite(STDOUT, 'x', -1n), ERRNO.INVAL);
      assert.equal(guest.fd_write(STDOUT, -8, 1, 16), ERRNO.FAULT);
      assertStats(wasi, NOTHING);
    });

    it(`are a copy, buffered: ${buffered}`, () => {
      const session = start({ buffered });
      const before = session.wasi.stats;
      session.write(STDOUT, 'x');
      assert.deepEqual(before, NOTHING);
      before.calls = 99;
      assert.equal(session.wasi.stats.calls, 1);
    });

    it(`add up after many calls, buffered: ${buffered}`, () => {
      const random = new Random(7);
      const session = start({ buffered, bufferSize: 1000 });
      const { wasi } = session;
      let bytes = 0;
      for (let calls = 1; calls <= 500; calls++) {
        const fd = random.pick([STDOUT, STDOUT, STDOUT, STDERR]);
        const size = random.between(0, random.oneIn(20) ? 3000 : 60);
        bytes += session.write(fd, ['x'.repeat(size), 'y']);
        const { stats } = wasi;
        assert.deepEqual([stats.calls, stats.bytes], [calls, bytes]);
        assert.equal(stats.native + stats.buffered, calls);
      }
      wasi.flush();
      assert.equal(bytes, dir.read('out').length + dir.read('err').length);
      const { flushes, buffered: count } = wasi.stats;
      if (buffered === false) assert.deepEqual([count, flushes], [0, 0]);
      else assert.ok(flushes > 0 && flushes < count, `${flushes}, ${count}`);
    });
  }

  const AT_ONCE = engine === 'native' ? [false] : [false, true, 'auto'];
  for (const buffered of AT_ONCE) {
    it(`count a write that goes out at once as native, buffered: ${buffered}`, () => {
      const session = start({ buffered });
      session.write(STDOUT, 'four');
      session.write(STDOUT, ['fi', '', 've!']);
      session.write(STDERR, 'x');
      session.pwrite(STDOUT, 'at', 100n);
      session.write(STDOUT, []);
      assert.equal(dir.read('out').length, 102);
      assertStats(session.wasi, { calls: 5, bytes: 12, native: 5 });
    });
  }

  it('have the bytes of a write that was cut short', () => {
    const { filler, reader, writer } = dir.pipe({ blocking: false });
    const session = start({ stdout: writer, waitTimeout: 0 });
    fill(filler);
    fs.readSync(reader, Buffer.alloc(65536), 0, 4096);
    const bytes = session.write(STDOUT, 'x'.repeat(100_000));
    assert.ok(bytes > 0 && bytes < 100_000, `${bytes}`);
    assertStats(session.wasi, { calls: 1, bytes, native: 1 });
    assert.equal(session.tryWrite(STDOUT, 'x'.repeat(5000)), ERRNO.AGAIN);
    assertStats(session.wasi, { calls: 1, bytes, native: 1 });
  });

  for (const buffered of [true, 'auto']) {
    describeNative(`where writes are buffered, buffered: ${buffered}`, () => {
      it('count them as buffered, and their bytes before they are out', () => {
        const session = start({ buffered });
        const { wasi } = session;
        session.write(STDOUT, 'four');
        session.write(STDOUT, ['fi', 've!']);
        session.write(STDOUT, 'x');
        assertStats(wasi, { calls: 3, bytes: 10, buffered: 3 });
        wasi.flush();
        const flushed = { calls: 3, bytes: 10, buffered: 3, flushes: 1 };
        assertStats(wasi, flushed);
        wasi.flush();
        assertStats(wasi, flushed);
        session.pwrite(STDOUT, 'on', 10n); // a position that continues nothing
        session.pwrite(STDOUT, 'and on', 12n);
        wasi.flush();
        assertStats(wasi, {
          calls: 5,
          bytes: 18,
          native: 1,
          buffered: 4,
          flushes: 2,
        });
      });

      it('count those to stderr, and too large ones, as native', () => {
        const session = start({ buffered, bufferSize: 8 });
        session.write(STDERR, 'error');
        session.write(STDOUT, 'too large');
        session.write(STDOUT, 'ok');
        session.write(STDOUT, ['']);
        const counts = { calls: 4, bytes: 16, native: 3, buffered: 1 };
        session.wasi.flush();
        assertStats(session.wasi, { ...counts, flushes: 1 });
      });

      it('count a flush each time that the buffer is full', () => {
        const session = start({ buffered, bufferSize: 100 });
        for (let i = 0; i < 1000; i++) session.write(STDOUT, '0123456789');
        session.wasi.flush();
        assertStats(session.wasi, {
          calls: 1000,
          bytes: 10_000,
          buffered: 1000,
          flushes: 100,
        });
      });

      it('count a flush each time that another place is written', () => {
        const session = start({ buffered });
        session.write(STDOUT, 'one');
        session.write(STDERR, 'two');
        session.write(STDOUT, 'three');
        session.pwrite(STDOUT, 'four', 100n);
        session.pwrite(STDOUT, 'five', 200n);
        assertStats(session.wasi, {
          calls: 5,
          bytes: 19,
          native: 3,
          buffered: 2,
          flushes: 2,
        });
      });

      it('include the flush at the end of start()', () => {
        const stdout = dir.open('out', 'w');
        const { wasi } = runCommand({ stdout, buffered }, (session) => {
          session.write(STDOUT, 'one');
          session.write(STDOUT, 'two');
        });
        assertStats(wasi, { calls: 2, bytes: 6, buffered: 2, flushes: 1 });
      });
    });
  }

  // In a process of its own, at whose end the unwritten bytes are dropped.
  const itNativeWithFull = engine === 'native' ? itWithFull : it.skip;
  itNativeWithFull('leave out bytes that a flush could not write', () => {
    const { stdout } = inChild(() => {
      const fs = require('node:fs');
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const stdout = fs.openSync('/dev/full', 'w');
      const session = new Session(withWASI({ stdout, buffered: true }));
      session.write(1, 'lost');
      const before = session.wasi.stats;
      let code;
      try {
        session.wasi.flush();
      } catch (error) {
        ({ code } = error);
      }
      const after = session.wasi.stats;
      fs.writeSync(1, JSON.stringify({ before, code, after }));
    });
    const { before, code, after } = JSON.parse(stdout);
    assert.equal(code, 'ENOSPC');
    assert.deepEqual(before, { ...NOTHING, calls: 1, bytes: 4, buffered: 1 });
    assert.deepEqual([after.calls, after.bytes, after.buffered], [1, 0, 1]);
  });

  for (const buffered of [false, true]) {
    it(`leave out bytes at which a function throws, buffered: ${buffered}`, () => {
      const stdout = () => {
        throw new Error('of the function');
      };
      const session = new Session(withWASI({ buffered, stdout }));
      session.tryWrite(1, 'hello');
      assert.throws(() => session.wasi.flush(), /of the function/);
      assert.equal(session.wasi.stats.bytes, 0);
    });
  }

  describe('of a capture', () => {
    const ifBuffered = (counts) => (engine === 'native' ? counts : {});

    for (const buffered of BUFFERED) {
      it(`have its writes, buffered: ${buffered}`, () => {
        const session = start({ stdout: 'capture', buffered });
        const { wasi } = session;
        session.write(STDOUT, 'one ');
        session.write(STDOUT, ['two ', 'three']);
        const counts = { calls: 2, bytes: 13, ...ifBuffered({ buffered: 2 }) };
        assertStats(wasi, counts);
        assert.equal(wasi.stdout.toString(), 'one two three');
        assertStats(wasi, { ...counts, ...ifBuffered({ flushes: 1 }) });
      });

      it(`have what was still taken, buffered: ${buffered}`, () => {
        const options = { stdout: 'capture', captureLimit: 6, buffered };
        const session = start(options);
        session.write(STDOUT, 'four');
        session.write(STDOUT, 'five');
        assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.NOSPC);
        assertStats(session.wasi, {
          calls: 2,
          bytes: 6,
          stdoutTruncated: true,
          ...ifBuffered({ native: 1, buffered: 1, flushes: 1 }),
        });
      });
    }
  });

  const TARGETS = {
    function: () => {},
    stream: new Writable({ write: (chunk, encoding, done) => done() }),
  };
  for (const [title, stdout] of Object.entries(TARGETS)) {
    for (const buffered of BUFFERED) {
      const held = buffered === true;
      it(`of a ${title}: ${held ? 'buffered' : 'neither'} where buffered is ${
        buffered
      }`, () => {
        const session = start({ stdout, buffered });
        session.write(STDOUT, 'one ');
        session.write(STDOUT, ['two ', 'three']);
        session.write(STDOUT, '');
        session.wasi.flush();
        const counts = held ? { buffered: 2, flushes: 1 } : {};
        assertStats(session.wasi, { calls: 3, bytes: 13, ...counts });
      });
    }
  }

  describe('of files that the guest opens', () => {
    for (const buffered of BUFFERED) {
      it(`have each that was written to, buffered: ${buffered}`, () => {
        const session = startWithDirectory({ buffered });
        const { wasi } = session;
        const one = session.open('one');
        const two = session.open('two');
        const unused = session.open('three');
        const read = session.open('out', { rights: RIGHTS.FD_READ });
        session.write(one, 'first');
        session.write(one, 'second');
        session.pwrite(two, 'third', 0n);
        session.close(one, two, unused, read, PREOPEN);
        const how =
          buffered === false ? { native: 3 } : { buffered: 3, flushes: 2 };
        assertStats(wasi, { calls: 3, bytes: 16, ...how });
        assert.equal(dir.read('one'), 'firstsecond');
      });

      it(`count a file again that is opened again, buffered: ${
        buffered
      }`, () => {
        const session = startWithDirectory({ buffered });
        for (let i = 0; i < 3; i++) {
          const fd = session.open('file');
          session.write(fd, 'text');
          session.close(fd);
        }
        session.close(PREOPEN);
        const { bytes, calls } = session.wasi.stats;
        assert.deepEqual({ bytes, calls }, { bytes: 12, calls: 3 });
      });
    }

    it('stay when the guest has ended', () => {
      const stdout = dir.open('out', 'w');
      const preopens = { '/': dir.path('.') };
      const { wasi } = runCommand({ stdout, preopens }, (session) => {
        const fd = session.open('file');
        session.write(fd, 'text');
        session.write(STDOUT, 'x');
        session.close(fd);
      });
      wasi.wasiImport.fd_close(PREOPEN);
      assertStats(wasi, { calls: 2, bytes: 5, native: 2 });
    });
  });
});
