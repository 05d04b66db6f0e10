'use strict';

// Output that goes to a capture, a function or a stream of Node.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough, Writable } = require('node:stream');
const { Worker } = require('node:worker_threads');
const { WASI, createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand, runCommand } = require('../helpers/command');
const {
  assertNoneLeft,
  countDescriptors,
  itWithProc,
} = require('../helpers/descriptors');
const { FULL, itWithFull } = require('../helpers/full');
const { putIovs, u32, withWASI, withWrites } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const {
  inChild,
  resultInChild,
  throughSlowPipe,
} = require('../helpers/in-child');
const { THROUGH, assertThrowsIt, useOutputs } = require('../helpers/outputs');
const { replaceDescriptor } = require('../helpers/replace-descriptor');
const { PREOPEN, RIGHTS, Session } = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');

const STDOUT = 1;
const STDERR = 2;
const BUFFERED = [false, true, 'auto'];

const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;
const DATA = 65536;
const MIB = 2 ** 20;

const textOf = (chunk) => Buffer.from(chunk).toString();

/** `test(through, buffered, title)` for each way in and each mode. */
function forEachMode(test) {
  for (const through of THROUGH) {
    for (const buffered of BUFFERED) {
      test(through, buffered, `under ${through}, buffered: ${buffered}`);
    }
  }
}

/** A call on what is in memory: its errno, and what became of `nwritten`. */
function call({ guest, memory }, fd, list, offset) {
  putIovs(memory, IOVS, list);
  new DataView(memory.buffer).setUint32(NWRITTEN, UNTOUCHED, true);
  const errno =
    offset === undefined
      ? guest.fd_write(fd, IOVS, list.length, NWRITTEN)
      : guest.fd_pwrite(fd, IOVS, list.length, offset, NWRITTEN);
  const count = u32(memory, NWRITTEN);
  return errno === ERRNO.SUCCESS ? { errno, count } : { errno, left: count };
}

const refused = (errno) => ({ errno, left: UNTOUCHED });
const took = (count) => ({ errno: ERRNO.SUCCESS, count });

describe('A capture', () => {
  const open = useOutputs();

  forEachMode((through, buffered, mode) => {
    it(`gives each fd what was written to it, ${mode}`, () => {
      const output = open(
        through,
        { [STDOUT]: 'capture', [STDERR]: 'capture' },
        { buffered },
      );
      assert.deepEqual(output.captured(STDOUT), Buffer.alloc(0));
      output.write(STDOUT, 'out 1, ');
      output.write(STDERR, 'err 1, ');
      output.write(STDOUT, ['out ', '', '2']);
      output.write(STDERR, 'err 2');
      assert.deepEqual(output.captured(STDOUT), Buffer.from('out 1, out 2'));
      assert.deepEqual(output.captured(STDERR), Buffer.from('err 1, err 2'));
    });

    it(`is not consumed by reading it, ${mode}`, () => {
      const output = open(through, { [STDOUT]: 'capture' }, { buffered });
      output.write(STDOUT, 'one');
      const first = output.captured(STDOUT);
      first.fill('x');
      assert.equal(textOf(output.captured(STDOUT)), 'one');
      output.write(STDOUT, ' two');
      assert.equal(textOf(output.captured(STDOUT)), 'one two');
      assert.equal(textOf(first), 'xxx');
    });

    it(`keeps UTF-8 that is split anywhere, ${mode}`, () => {
      const text = 'aé€𐍈, 🧑‍🚀\u0000\ufeff';
      const bytes = Buffer.from(text);
      const output = open(through, { [STDOUT]: 'capture' }, { buffered });
      for (let at = 0; at <= bytes.length; at++) {
        const head = bytes.subarray(0, at);
        const tail = bytes.subarray(at);
        output.write(STDOUT, head);
        output.write(STDOUT, tail);
        output.write(STDOUT, [head, tail]);
      }
      for (const byte of bytes) output.write(STDOUT, Buffer.of(byte));
      const expected = text.repeat(2 * (bytes.length + 1) + 1);
      assert.equal(textOf(output.captured(STDOUT)), expected);
    });

    it(`keeps binary data, ${mode}`, () => {
      const output = open(through, { [STDOUT]: 'capture' }, { buffered });
      const expected = [];
      for (let byte = 0; byte < 256; byte++) {
        const bytes = Buffer.alloc(byte + 1, byte);
        output.write(STDOUT, [bytes, Buffer.of(byte ^ 0xff)]);
        expected.push(bytes, Buffer.of(byte ^ 0xff));
      }
      assertSameBytes(output.captured(STDOUT), Buffer.concat(expected));
    });

    it(`takes writes of any size in order, ${mode}`, () => {
      const output = open(
        through,
        { [STDOUT]: 'capture' },
        { buffered, bufferSize: 1000 },
      );
      const bytes = pattern(500_000);
      let done = 0;
      for (let size = 0; done < bytes.length; size = (size + 37) % 2500) {
        done += output.write(STDOUT, bytes.subarray(done, done + size));
      }
      assertSameBytes(output.captured(STDOUT), bytes);
    });

    for (const limit of [0, 1, 10, 999, 1000, 1001, 70_000]) {
      it(`is full after ${limit} bytes to the byte, ${mode}`, () => {
        const output = open(
          through,
          { [STDOUT]: 'capture', [STDERR]: 'capture' },
          { buffered, bufferSize: 1000, captureLimit: limit },
        );
        const bytes = pattern(limit + 700);
        let done = 0;
        while (done < limit) {
          const size = Math.min(limit + 1 - done, 700);
          const count = output.write(STDOUT, bytes.subarray(done, done + size));
          assert.equal(count, Math.min(size, limit - done));
          done += count;
        }
        assert.deepEqual(
          call(output, STDOUT, [[DATA, 1]]),
          refused(ERRNO.NOSPC),
        );
        assert.deepEqual(call(output, STDOUT, [[DATA, 0]]), took(0));
        assert.deepEqual(
          call(output, STDOUT, [[0xffffffff, 1]]),
          refused(ERRNO.FAULT),
        );
        assertSameBytes(output.captured(STDOUT), bytes.subarray(0, limit));
        assert.equal(output.captured(STDERR).length, 0);
      });
    }

    it(`keeps of a list what fits, ${mode}`, () => {
      const output = open(
        through,
        { [STDOUT]: 'capture' },
        { buffered, captureLimit: 10 },
      );
      assert.equal(output.write(STDOUT, ['123', '45']), 5);
      assert.equal(output.write(STDOUT, ['67', '89AB', 'C']), 5);
      assert.equal(output.tryWrite(STDOUT, 'D'), ERRNO.NOSPC);
      assert.equal(textOf(output.captured(STDOUT)), '123456789A');
    });

    it(`is full exactly when it is, ${mode}`, () => {
      const output = open(
        through,
        { [STDOUT]: 'capture' },
        { buffered, captureLimit: 10 },
      );
      assert.equal(output.write(STDOUT, '1234567890'), 10);
      assert.equal(output.tryWrite(STDOUT, 'A'), ERRNO.NOSPC);
      assert.equal(textOf(output.captured(STDOUT)), '1234567890');
    });

    it(`has room for 64 MiB unless told otherwise, ${mode}`, () => {
      const output = open(through, { [STDOUT]: 'capture' }, { buffered });
      output.memory.grow(256);
      const list = [[DATA, 16 * MIB]];
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(call(output, STDOUT, list), took(16 * MIB));
      }
      assert.deepEqual(
        call(output, STDOUT, [[DATA, 16 * MIB - 1]]),
        took(16 * MIB - 1),
      );
      assert.deepEqual(call(output, STDOUT, list), took(1));
      assert.deepEqual(call(output, STDOUT, list), refused(ERRNO.NOSPC));
      assert.equal(output.captured(STDOUT).length, 64 * MIB);
    });

    it(`costs no system call for a write, ${mode}`, function () {
      const io = '/proc/thread-self/io';
      if (!fs.existsSync(io)) this.skip();
      const written = () =>
        Number(/^syscw: (\d+)$/m.exec(fs.readFileSync(io, 'utf8'))[1]);
      const output = open(through, { [STDOUT]: 'capture' }, { buffered });
      const before = written();
      for (let i = 0; i < 2000; i++) output.write(STDOUT, 'a line of text\n');
      assert.equal(output.captured(STDOUT).length, 30_000);
      // V8 writes to an event descriptor of its own at times.
      assert.ok(written() - before < 20);
    });
  });

  for (const buffered of BUFFERED) {
    it(`takes none from a guest that gave its right away, buffered: ${buffered}`, () => {
      const output = open('WASI', { [STDOUT]: 'capture' }, { buffered });
      output.write(STDOUT, 'before');
      assert.equal(
        output.guest.fd_fdstat_set_rights(STDOUT, 0n, 0n),
        ERRNO.SUCCESS,
      );
      assert.equal(output.tryWrite(STDOUT, 'after'), ERRNO.NOTCAPABLE);
      assert.equal(textOf(output.captured(STDOUT)), 'before');
    });
  }

  it('is null for a standard stream that goes elsewhere', () => {
    for (const target of [1, () => {}, new PassThrough()]) {
      const { wasi } = open('WASI', { 1: target, 2: 'capture' });
      assert.equal(wasi.stdout, null);
      assert.deepEqual(wasi.stderr, Buffer.alloc(0));
    }
    const { wasi } = open('WASI', {});
    assert.equal(wasi.stdout, null);
    assert.equal(wasi.stderr, null);
  });

  it('is null for an fd of createWrites that goes elsewhere', () => {
    const { writes } = open('createWrites', { 1: 1, 2: () => {} });
    for (const fd of [0, 1, 2]) assert.equal(writes.captured(fd), null);
  });

  it('can be had of many fds', () => {
    const fds = [0, 1, 2, 7, 2 ** 20 - 1];
    const output = open(
      'createWrites',
      Object.fromEntries(fds.map((fd) => [fd, 'capture'])),
    );
    for (let round = 0; round < 3; round++) {
      for (const fd of fds) output.write(fd, `${fd};`);
    }
    for (const fd of fds) {
      assert.equal(textOf(output.captured(fd)), `${fd};`.repeat(3));
    }
  });

  for (const buffered of BUFFERED) {
    it(`comes and goes with map() and unmap(), buffered: ${buffered}`, () => {
      const output = open('createWrites', {}, { buffered });
      const { writes } = output;
      writes.map(5, 'capture');
      output.write(5, 'first');
      assert.equal(textOf(writes.captured(5)), 'first');
      writes.map(5, 'capture');
      assert.deepEqual(writes.captured(5), Buffer.alloc(0));
      output.write(5, 'second');
      assert.equal(textOf(writes.captured(5)), 'second');
      writes.unmap(5);
      assert.equal(writes.captured(5), null);
      assert.equal(output.tryWrite(5, 'third'), ERRNO.BADF);
    });
  }

  it('is of one instance, whatever another captures', () => {
    const all = [0, 1, 2].map(() => open('WASI', { 1: 'capture' }));
    all.forEach((output, i) => output.write(STDOUT, `of ${i}`));
    assert.deepEqual(
      all.map((output) => textOf(output.captured(STDOUT))),
      ['of 0', 'of 1', 'of 2'],
    );
  });

  for (const buffered of BUFFERED) {
    it(`gives all of it when start() is over, buffered: ${buffered}`, () => {
      const options = { stdout: 'capture', stderr: 'capture', buffered };
      const { wasi, exitCode } = runCommand(options, (session) => {
        session.write(STDOUT, 'to stdout');
        session.write(STDERR, 'to stderr');
        assert.equal(textOf(session.wasi.stdout), 'to stdout');
        session.guest.proc_exit(3);
      });
      assert.equal(exitCode, 3);
      assert.equal(textOf(wasi.stdout), 'to stdout');
      assert.equal(textOf(wasi.stderr), 'to stderr');
    });

    it(`gives what there was before a trap, buffered: ${buffered}`, () => {
      const { wasi, start } = createCommand(
        { stdout: 'capture', buffered },
        (session) => {
          session.write(STDOUT, 'before the trap');
          session.guest.trap();
        },
      );
      assert.throws(start, WebAssembly.RuntimeError);
      assert.equal(textOf(wasi.stdout), 'before the trap');
    });
  }
});

/** How many bytes `action` asks of Buffer in all. */
function bytesAllocated(action) {
  const original = {};
  let bytes = 0;
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow']) {
    original[name] = Buffer[name];
    Buffer[name] = (size, ...rest) => {
      bytes += size;
      return original[name](size, ...rest);
    };
  }
  try {
    action();
  } finally {
    Object.assign(Buffer, original);
  }
  return bytes;
}

describe('100 MB in a capture', () => {
  const open = useOutputs();
  const TOTAL = 100_000_000;
  const PART = 1_000_000;

  for (const through of THROUGH) {
    it(`are exact, and the memory asked for is linear, under ${through}`, () => {
      const output = open(
        through,
        { [STDOUT]: 'capture' },
        { captureLimit: TOTAL },
      );
      output.memory.grow(32);
      const bytes = pattern(TOTAL);
      const sizes = [16, 80, 3000, 65_536, 100_000, 7];
      const allocated = bytesAllocated(() => {
        for (let begin = 0, turn = 0; begin < TOTAL; begin += PART) {
          const view = new Uint8Array(output.memory.buffer);
          view.set(bytes.subarray(begin, begin + PART), DATA);
          for (let at = 0; at < PART; turn++) {
            const size = Math.min(sizes[turn % sizes.length], PART - at);
            const list = [[DATA + at, size]];
            assert.deepEqual(call(output, STDOUT, list), took(size));
            at += size;
          }
        }
      });
      // A capacity that doubles comes to this at the most. All that is copied
      // goes to what is allocated, or it would not be kept.
      assert.ok(allocated >= TOTAL && allocated <= 4 * TOTAL, `${allocated}`);
      assertSameBytes(output.captured(STDOUT), bytes);
      assert.deepEqual(call(output, STDOUT, [[DATA, 1]]), refused(ERRNO.NOSPC));
    });
  }
});

describe('A function', () => {
  const open = useOutputs();

  forEachMode((through, buffered, mode) => {
    const joined = buffered === true;

    it(`gets ${joined ? 'a chunk a flush' : 'a chunk a write'}, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDOUT]: (chunk) => chunks.push(chunk) },
        { buffered },
      );
      output.write(STDOUT, 'one ');
      output.write(STDOUT, ['t', 'w', '', 'o ']);
      output.write(STDOUT, 'three');
      output.write(STDOUT, []);
      output.flush();
      assert.ok(chunks.every((chunk) => chunk.constructor === Uint8Array));
      assert.deepEqual(
        chunks.map(textOf),
        joined ? ['one two three'] : ['one ', 'two ', 'three'],
      );
      output.flush();
      assert.equal(chunks.length, joined ? 1 : 3);
    });

    it(`gets a chunk a write on fd 2, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDERR]: (chunk) => chunks.push(textOf(chunk)) },
        { buffered },
      );
      output.write(STDERR, 'one');
      assert.deepEqual(chunks, ['one']);
      output.write(STDERR, 'two');
      assert.deepEqual(chunks, ['one', 'two']);
    });

    it(`gets its own copy, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDOUT]: (chunk) => chunks.push(chunk) },
        { buffered },
      );
      for (const text of ['first', 'other']) {
        output.write(STDOUT, text);
        output.flush();
        new Uint8Array(output.memory.buffer).fill(0);
      }
      assert.deepEqual(chunks.map(textOf), ['first', 'other']);
      chunks.forEach((chunk) => chunk.fill(0x78));
      output.write(STDOUT, 'third');
      output.flush();
      assert.deepEqual(chunks.map(textOf), ['xxxxx', 'xxxxx', 'third']);
    });

    it(`can give the buffer of a chunk away, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        {
          [STDOUT](chunk) {
            chunks.push(structuredClone(chunk, { transfer: [chunk.buffer] }));
            assert.equal(chunk.length, 0);
          },
        },
        { buffered },
      );
      for (const text of ['one', 'two', 'three']) {
        output.write(STDOUT, text);
        output.flush();
      }
      assert.deepEqual(chunks.map(textOf), ['one', 'two', 'three']);
      for (const chunk of chunks) {
        assert.equal(chunk.buffer.byteLength, chunk.length);
      }
    });

    it(`gets large writes and small ones in order, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDOUT]: (chunk) => chunks.push(chunk) },
        { buffered, bufferSize: 1000 },
      );
      const bytes = pattern(300_000);
      let done = 0;
      for (let size = 0; done < bytes.length; size = (size + 37) % 2500) {
        done += output.write(STDOUT, bytes.subarray(done, done + size));
      }
      output.flush();
      assertSameBytes(Buffer.concat(chunks), bytes);
    });

    it(`has the memory grown by what it is told, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        {
          [STDOUT](chunk) {
            chunks.push(chunk.length);
            output.memory.grow(1);
          },
        },
        { buffered },
      );
      output.memory.grow(600);
      for (const size of [10, 70_000, 33 * MIB]) {
        assert.deepEqual(call(output, STDOUT, [[DATA, size]]), took(size));
        output.flush();
      }
      const total = chunks.reduce((sum, length) => sum + length, 0);
      assert.equal(total, 10 + 70_000 + 33 * MIB);
    });
  });

  // What it throws. A guest's main that goes on after the errno notes it.

  for (const buffered of BUFFERED) {
    for (const end of ['return', 'proc_exit()', 'a trap']) {
      it(`that throws ends start() with that after ${end}, buffered: ${buffered}`, () => {
        const result = resultInChild(
          (mode, way) => {
            const { createCommand } = require('./command');
            const error = new Error('of the function');
            const notes = { calls: 0, errnos: [] };
            const { session, start } = createCommand(
              {
                buffered: mode,
                stdout() {
                  notes.calls++;
                  throw error;
                },
              },
              ({ guest }) => {
                notes.errnos.push(session.tryWrite(1, 'one'));
                notes.errnos.push(session.guest.fd_sync(1));
                notes.errnos.push(session.tryWrite(1, 'two'));
                notes.errnos.push(session.tryWrite(1, 'three'));
                if (way === 'proc_exit()') guest.proc_exit(7);
                if (way === 'a trap') guest.trap();
              },
            );
            try {
              start();
            } catch (thrown) {
              notes.thrown = thrown === error;
            }
            return notes;
          },
          [buffered, end],
        );
        const { IO, INVAL, SUCCESS } = ERRNO;
        // What /dev/null says to fsync(2) stands where nothing was staged.
        assert.deepEqual(result, {
          calls: 1,
          errnos:
            buffered === true ? [SUCCESS, IO, IO, IO] : [IO, INVAL, IO, IO],
          thrown: true,
        });
      });
    }

    it(`that throws has flush() throw that, once, buffered: ${buffered}`, () => {
      const result = resultInChild(
        (mode) => {
          const { withWrites } = require('./guest');
          const { Session } = require('./session');
          const error = new Error('of the function');
          let calls = 0;
          const started = withWrites({
            buffered: mode,
            fds: {
              1() {
                calls++;
                throw error;
              },
            },
          });
          const session = new Session(started);
          const errno = session.tryWrite(1, 'text');
          const thrown = [];
          for (let i = 0; i < 2; i++) {
            try {
              started.writes.flush();
            } catch (caught) {
              thrown.push(caught === error);
            }
          }
          return { errno, calls, thrown: thrown.filter(Boolean) };
        },
        [buffered],
      );
      const errno = buffered === true ? ERRNO.SUCCESS : ERRNO.IO;
      assert.deepEqual(result, { errno, calls: 1, thrown: [true] });
    });
  }

  for (const value of ['text', 0, null, undefined, Symbol('thrown')]) {
    it(`that throws ${String(value)} ends start() with that`, () => {
      const { session, start } = createCommand(
        {
          stdout() {
            throw value;
          },
        },
        () => assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.IO),
      );
      assertThrowsIt(start, value);
    });
  }

  const AFTERWARDS = {
    'closes its fd': ({ guest }) => guest.fd_close(STDOUT),
    'puts another in its place': ({ guest }) =>
      guest.fd_renumber(STDERR, STDOUT),
    'moves it': ({ guest }) => guest.fd_renumber(STDOUT, STDERR),
  };
  for (const [name, act] of Object.entries(AFTERWARDS)) {
    it(`that throws ends start() with that, if the guest ${name}`, () => {
      const error = new Error('of the function');
      const { session, start } = createCommand(
        {
          stdout() {
            throw error;
          },
          stderr: 'capture',
        },
        () => {
          assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.IO);
          assert.equal(act(session), ERRNO.SUCCESS);
        },
      );
      assertThrowsIt(start, error);
    });
  }

  for (const buffered of BUFFERED) {
    it(`that throws is heard of without returnOnExit, buffered: ${buffered}`, () => {
      const { status, stdout } = inChild(
        (mode) => {
          const { createCommand } = require('./command');
          const error = new Error('of the function');
          const { session, start } = createCommand(
            {
              buffered: mode,
              returnOnExit: false,
              stdout() {
                throw error;
              },
            },
            ({ guest }) => {
              session.tryWrite(1, 'text');
              guest.proc_exit(0);
            },
          );
          try {
            start();
          } catch (thrown) {
            if (thrown === error) console.log('heard');
          }
        },
        [buffered],
      );
      assert.deepEqual({ status, stdout }, { status: 0, stdout: 'heard\n' });
    });
  }

  // It is never called again, so that nothing waits for a later flush.
  for (const buffered of BUFFERED) {
    it(`that throws does not keep the guest in memory, buffered: ${buffered}`, () => {
      const alive = resultInChild(
        (mode) => {
          const { countAlive } = require('./alive');
          const { createCommand } = require('./command');
          return countAlive(() => {
            const { wasi, session, start } = createCommand(
              {
                buffered: mode,
                stdout() {
                  throw new Error('of the function');
                },
              },
              () => session.tryWrite(1, 'text'),
            );
            try {
              start();
            } catch {
              // That of the function.
            }
            return wasi;
          });
        },
        [buffered],
        ['--expose-gc'],
      );
      assert.ok(alive <= 5, `${alive} of 50 are alive`);
    });
  }

  it('that throws leaves other targets alone', () => {
    const error = new Error('of the function');
    const { wasi, session, start } = createCommand(
      {
        stdout() {
          throw error;
        },
        stderr: 'capture',
      },
      () => {
        assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.IO);
        session.write(STDERR, 'still here');
      },
    );
    assertThrowsIt(start, error);
    assert.equal(textOf(wasi.stderr), 'still here');
  });

  it('that throws is the cause of what the guest did about it', () => {
    const error = new Error('of the function');
    const { session, start } = createCommand(
      {
        stdout() {
          throw error;
        },
      },
      () => {
        session.write(STDOUT, 'text'); // throws in an import of the guest
      },
    );
    assertThrowsIt(start, error);
  });
});

describe('A function that comes back', () => {
  const host = useHostFiles();
  const ONE = 2048;
  const TWO = 4096;

  // `createWrites` with fds 3 and 4 on files, and a list for the function: two
  // buffers of 6 bytes in all.
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

      it('may grow the memory before the next bytes are staged', () => {
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
        // Full, until its number is that of a file.
        const full = host.open(FULL, 'w');
        const { session, writes, log } = start(buffered, ({ inner }) =>
          assert.equal(inner(4), ERRNO.SUCCESS),
        );
        writes.map(5, full);
        const staged = buffered === true;
        assert.equal(
          session.tryWrite(5, 'waiting'),
          staged ? ERRNO.SUCCESS : ERRNO.NOSPC,
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
        assert.equal(host.read('five'), staged ? 'waiting' : '');
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

describe('A Writable', () => {
  const open = useOutputs();

  // Takes one chunk a turn of the event loop.
  function slowWritable(chunks) {
    return new Writable({
      write(chunk, encoding, done) {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
  }

  forEachMode((through, buffered, mode) => {
    it(`gets its own copies in order, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(through, { [STDOUT]: stream }, { buffered });
      const texts = ['one ', 'two ', 'three ', 'four'];
      for (const text of texts) {
        output.write(STDOUT, text);
        if (buffered === true) output.flush();
        new Uint8Array(output.memory.buffer).fill(0);
      }
      stream.end();
      await once(stream, 'finish');
      assert.ok(chunks.every((chunk) => Buffer.isBuffer(chunk)));
      assert.deepEqual(chunks.map(textOf), texts);
    });

    it(`gets one chunk for a list of buffers, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(through, { [STDOUT]: stream }, { buffered });
      output.write(STDOUT, ['o', '', 'ne ']);
      output.write(STDOUT, ['two']);
      output.write(STDOUT, []);
      output.flush();
      stream.end();
      await once(stream, 'finish');
      assert.deepEqual(
        chunks.map(textOf),
        buffered === true ? ['one two'] : ['one ', 'two'],
      );
    });

    it(`keeps the host's own chunks in their places, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(through, { [STDOUT]: stream }, { buffered });
      for (let i = 0; i < 5; i++) {
        stream.write(`host ${i},`);
        output.write(STDOUT, `guest ${i},`);
        output.flush();
      }
      stream.end();
      await once(stream, 'finish');
      const expected = [0, 1, 2, 3, 4].map((i) => `host ${i},guest ${i},`);
      assert.equal(chunks.map(textOf).join(''), expected.join(''));
    });

    it(`takes large writes and small ones, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(
        through,
        { [STDOUT]: stream },
        { buffered, bufferSize: 1000 },
      );
      const bytes = pattern(300_000);
      let done = 0;
      for (let size = 0; done < bytes.length; size = (size + 37) % 2500) {
        done += output.write(STDOUT, bytes.subarray(done, done + size));
      }
      output.flush();
      stream.end();
      await once(stream, 'finish');
      assertSameBytes(Buffer.concat(chunks), bytes);
    });
  });

  const GONE = {
    'was destroyed': (stream) => stream.destroy(),
    'has ended': (stream) => stream.end(),
  };
  for (const [name, end] of Object.entries(GONE)) {
    for (const through of THROUGH) {
      it(`that ${name} gives PIPE under ${through}`, () => {
        const stream = new PassThrough();
        const output = open(through, { [STDOUT]: stream });
        output.write(STDOUT, 'before');
        end(stream);
        for (let i = 0; i < 2; i++) {
          assert.deepEqual(
            call(output, STDOUT, [[DATA, 5]]),
            refused(ERRNO.PIPE),
          );
        }
        assert.deepEqual(call(output, STDOUT, [[DATA, 0]]), took(0));
        assert.deepEqual(
          call(output, STDOUT, [[0xffffffff, 1]]),
          refused(ERRNO.FAULT),
        );
        output.flush();
      });
    }
  }

  it('that was destroyed has what is staged reported', () => {
    const { status, stdout, stderr } = inChild(() => {
      const { PassThrough } = require('node:stream');
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const stdout = new PassThrough();
      const started = withWASI({ stdout, buffered: true });
      const session = new Session(started);
      session.write(1, 'before');
      stdout.destroy();
      try {
        started.wasi.flush();
      } catch ({ code, errno, fd, pending }) {
        console.log(code, errno, fd, pending, session.tryWrite(1, 'after'));
      }
    });
    assert.equal(stdout, `EPIPE ${ERRNO.PIPE} 1 6 ${ERRNO.PIPE}\n`);
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  it('that was destroyed keeps no guest, once that was told', () => {
    const alive = resultInChild(
      () => {
        const { PassThrough } = require('node:stream');
        const { countAlive } = require('./alive');
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        return countAlive(() => {
          const stdout = new PassThrough();
          const started = withWASI({ stdout, buffered: true });
          new Session(started).write(1, 'text');
          stdout.destroy();
          try {
            started.wasi.flush();
          } catch (error) {
            if (error.code !== 'EPIPE') throw error;
          }
          started.wasi.flush();
          return started.wasi;
        });
      },
      [],
      ['--expose-gc'],
    );
    assert.ok(alive <= 5, `${alive} of 50 are alive`);
  });

  it('that was destroyed is told of at the exit, where nobody was', () => {
    const { status, stderr } = inChild(() => {
      const { PassThrough } = require('node:stream');
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const stdout = new PassThrough();
      new Session(withWASI({ stdout, buffered: true })).write(1, 'before');
      stdout.destroy();
    });
    assert.equal(
      stderr,
      'wasi-writev: 6 bytes for guest fd 1 could not be written: EPIPE\n',
    );
    assert.equal(status, 0);
  });

  // What each protocol gives its server to answer with.
  const RESPONSES = {
    http: {
      server: 'createServer',
      request: (http, url) => http.get(url, (response) => response.resume()),
    },
    http2: {
      server: 'createServer',
      request: (http2, url) => {
        const session = http2.connect(url);
        session.on('error', () => {});
        return session.request({ ':path': '/' }).resume();
      },
    },
  };
  for (const [name, { server: create, request }] of Object.entries(RESPONSES)) {
    for (const how of ['is gone', 'was ended']) {
      for (const buffered of [false, true]) {
        const mode = `buffered: ${buffered}`;

        it(`that is a response of ${name} gives PIPE when it ${how}, ${mode}`, async () => {
          const http = require(`node:${name}`);
          const sockets = new Set();
          const server = http[create]();
          server.on('connection', (socket) => sockets.add(socket));
          server.listen(0);
          await once(server, 'listening');
          const client = request(
            http,
            `http://localhost:${server.address().port}`,
          );
          client.on('error', () => {});
          const [, response] = await once(server, 'request');
          response.on('error', assert.fail);
          if (how === 'is gone') {
            response.write('one');
            response.socket.destroy();
            await once(response, 'close');
          } else {
            response.end('one');
          }
          const output = open('createWrites', { 1: response }, { buffered });
          assert.equal(output.tryWrite(STDOUT, 'two'), ERRNO.PIPE);
          output.flush();
          for (const socket of sockets) socket.destroy();
          server.close();
        });
      }
    }
  }

  it('tells its owner alone of an error that comes later', async () => {
    const error = new Error('of the stream');
    const stream = new Writable({
      write: (chunk, encoding, done) => setImmediate(done, error),
    });
    const failed = once(stream, 'error');
    const { session, exitCode } = runCommand({ stdout: stream }, (started) =>
      started.write(STDOUT, 'text'),
    );
    assert.equal(exitCode, 0);
    assert.deepEqual(await failed, [error]);
    assert.equal(session.tryWrite(STDOUT, 'more'), ERRNO.PIPE);
  });

  for (const through of ['its write()', 'its _write()']) {
    it(`that throws in ${through} does not throw through the guest`, () => {
      const error = new Error('of the stream');
      const fail = () => {
        throw error;
      };
      const stream = new Writable({
        write: through === 'its _write()' ? fail : undefined,
      });
      if (through === 'its write()') stream.write = fail;
      const errnos = [];
      const { session, start } = createCommand({ stdout: stream }, () => {
        errnos.push(session.tryWrite(STDOUT, 'one'));
        errnos.push(session.tryWrite(STDOUT, 'two'));
      });
      assertThrowsIt(start, error);
      assert.equal(errnos.length, 2);
      assert.notEqual(errnos[0], ERRNO.SUCCESS);
    });
  }

  it('may write to the guest from its write()', () => {
    const seen = [];
    const stream = new Writable({
      write(chunk, encoding, done) {
        seen.push(textOf(chunk));
        if (seen.length === 1) output.write(STDERR, 'of the stream');
        done();
      },
    });
    const output = open(
      'createWrites',
      { 1: stream, 2: 'capture', 3: 'capture' },
      { buffered: true },
    );
    output.write(STDOUT, 'one');
    output.flush();
    assert.equal(output.write(3, ['th', 'ree']), 5);
    output.flush();
    assert.deepEqual(seen, ['one']);
    assert.equal(textOf(output.captured(2)), 'of the stream');
    assert.equal(textOf(output.captured(3)), 'three');
  });
});

describe('The streams of this process', () => {
  for (const buffered of BUFFERED) {
    it(`are written at once where nothing is queued, buffered: ${buffered}`, () => {
      const { stdout, stderr } = throughSlowPipe(
        (mode) => {
          const { pattern } = require('./bytes');
          const { withWASI } = require('./guest');
          const { Session } = require('./session');
          const started = withWASI({ stdout: process.stdout, buffered: mode });
          new Session(started).write(1, pattern(1_000_000));
          started.wasi.flush();
          process.stderr.write(`${process.stdout.bytesWritten} `);
          process.kill(process.pid, 'SIGKILL');
        },
        [buffered],
      );
      assertSameBytes(stdout, pattern(1_000_000));
      assert.match(stderr, /^0 (Killed\n)?status 137\n$/);
    });

    it(`keep their order with what the host has queued, buffered: ${buffered}`, () => {
      const { stdout, stderr } = throughSlowPipe(
        async (mode) => {
          const { once } = require('node:events');
          const { withWASI } = require('./guest');
          const { Session } = require('./session');
          const stream = process.stdout;
          const started = withWASI({ stdout: stream, buffered: mode });
          const session = new Session(started);
          const guest = (text) => {
            session.write(1, text);
            started.wasi.flush();
          };
          const queued = [];
          for (let i = 0; i < 3; i++) {
            guest(`guest ${i}, `);
            stream.write('host '.repeat(100_000));
            queued.push(stream.writableLength > 0);
            guest(`behind ${i}, `);
            stream.write(`host ${i}, `);
            guest('large '.repeat(50_000));
            await once(stream, 'drain');
            guest('after '.repeat(50_000));
            queued.push(stream.writableLength > 0);
            stream.write('end, ');
          }
          process.stderr.write(`${queued} `);
        },
        [buffered],
      );
      let expected = '';
      for (let i = 0; i < 3; i++) {
        expected +=
          `guest ${i}, ${'host '.repeat(100_000)}behind ${i}, host ${i}, ` +
          `${'large '.repeat(50_000)}${'after '.repeat(50_000)}end, `;
      }
      assert.equal(
        stderr,
        `${[true, false, true, false, true, false]} status 0\n`,
      );
      assertSameBytes(stdout, Buffer.from(expected));
    });
  }

  it('are written at once as stderr too', () => {
    const { status, stdout, stderr } = inChild(() => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const { stdout, stderr } = process;
      const session = new Session(withWASI({ stdout, stderr }));
      session.write(2, 'guest 1, ');
      stderr.write('host 1, ');
      session.write(1, 'out');
      session.write(2, 'guest 2');
      process.kill(process.pid, 'SIGKILL');
    });
    assert.deepEqual(
      { status, stdout, stderr },
      { status: null, stdout: 'out', stderr: 'guest 1, host 1, guest 2' },
    );
  });

  it('are those of a worker in a worker', async () => {
    const code = `
      const { workerData } = require('node:worker_threads');
      const { runCommand } = require(workerData);
      runCommand({ stdout: process.stdout, stderr: process.stderr },
        (session) => {
          session.write(1, 'guest 1, ');
          process.stdout.write('host 1, ');
          session.write(1, 'guest 2');
          session.write(2, 'to stderr');
        });`;
    const worker = new Worker(code, {
      eval: true,
      stdout: true,
      stderr: true,
      workerData: path.join(__dirname, '..', 'helpers', 'command.js'),
    });
    const all = async (stream) => {
      const chunks = await stream.toArray();
      return Buffer.concat(chunks).toString();
    };
    const [out, err, [exitCode]] = await Promise.all([
      all(worker.stdout),
      all(worker.stderr),
      once(worker, 'exit'),
    ]);
    assert.equal(exitCode, 0);
    assert.equal(out, 'guest 1, host 1, guest 2');
    assert.ok(err.endsWith('to stderr'), err); // Node warns there of node:wasi
  });
});

describe('fd_pwrite', () => {
  const open = useOutputs();

  const TARGETS = {
    'a capture': () => ({ target: 'capture', chunks: [] }),
    'a function'() {
      const chunks = [];
      return { target: (chunk) => chunks.push(chunk), chunks };
    },
    'a Writable'() {
      const chunks = [];
      const target = new Writable({
        write(chunk, encoding, done) {
          chunks.push(chunk);
          done();
        },
      });
      return { target, chunks };
    },
  };

  forEachMode((through, buffered, mode) => {
    for (const [name, create] of Object.entries(TARGETS)) {
      it(`to ${name} is SPIPE after the pointers were seen, ${mode}`, () => {
        const { target, chunks } = create();
        const output = open(through, { [STDOUT]: target }, { buffered });
        const pwrite = (list, offset) => call(output, STDOUT, list, offset);

        for (const offset of [0n, 1n, 6n, 2n ** 63n - 1n]) {
          for (const list of [[[DATA, 5]], [[DATA, 0]], []]) {
            assert.deepEqual(pwrite(list, offset), refused(ERRNO.SPIPE));
          }
          assert.deepEqual(
            pwrite([[DATA, 2 ** 31]], offset),
            refused(ERRNO.FAULT),
          );
        }
        assert.deepEqual(
          pwrite([[DATA, 5]], -(2n ** 63n)),
          refused(ERRNO.INVAL),
        );
        assert.deepEqual(pwrite([[0xffffffff, 5]], -1n), refused(ERRNO.FAULT));
        assert.equal(
          output.guest.fd_pwrite(STDOUT, IOVS, 1, 0n, 0xfffffffe),
          ERRNO.FAULT,
        );
        assert.equal(
          output.guest.fd_pwrite(STDOUT, 0xfffffff0, 1, 0n, NWRITTEN),
          ERRNO.FAULT,
        );
        output.write(STDOUT, 'staged');
        assert.deepEqual(pwrite([[DATA, 5]], 6n), refused(ERRNO.SPIPE));
        output.flush();
        const kept = output.captured(STDOUT) ?? Buffer.concat(chunks);
        assert.equal(textOf(kept), 'staged');
      });
    }
  });
});

describe('A write of nearly 4 GiB', () => {
  const LIST = 65_535;
  const EACH = 65_535;

  // Everything from one buffer of the guest, again and again.
  function write(through, name, buffered, limit) {
    const { withWASI, withWrites, putIovs, u32 } = require('./guest');
    let bytes = 0;
    let largest = 0;
    let wrong = 0;
    const error = new Error('enough');
    const target =
      name === 'capture'
        ? 'capture'
        : (chunk) => {
            if (bytes >= limit) throw error;
            if (chunk.some((byte) => byte !== 0x77)) wrong++;
            bytes += chunk.length;
            largest = Math.max(largest, chunk.length);
          };
    const options = { buffered, captureLimit: limit };
    const { guest, memory, wasi, writes } =
      through === 'WASI'
        ? withWASI({ stdout: target, ...options })
        : withWrites({ fds: { 1: target }, ...options });
    memory.grow(16);
    const at = 16 * 65_536;
    new Uint8Array(memory.buffer).fill(0x77, at);
    const list = Array(65_535).fill([at, 65_535]);
    putIovs(memory, 64, list);
    const errnos = [guest.fd_write(1, 64, list.length, 0)];
    const count = u32(memory, 0);
    errnos.push(guest.fd_write(1, 64, list.length, 0));
    const captured = wasi ? wasi.stdout : writes.captured(1);
    let thrown = null;
    try {
      (wasi ?? writes).flush();
    } catch (caught) {
      thrown = caught === error;
    }
    return {
      errnos,
      count,
      kept: captured ? captured.length : bytes,
      wrong: captured ? captured.some((byte) => byte !== 0x77) * 1 : wrong,
      largest,
      thrown,
      megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  }

  const inBounds = ({ megabytes, largest, ...rest }) => {
    assert.ok(megabytes < 400, `${megabytes} MB`);
    assert.ok(largest <= 64 * MIB, `a chunk of ${largest}`);
    return rest;
  };

  for (const through of THROUGH) {
    for (const buffered of [false, true]) {
      const mode = `under ${through}, buffered: ${buffered}`;

      it(`fills a capture and takes no more memory than that, ${mode}`, () => {
        const limit = 1_000_001;
        const result = resultInChild(write, [
          through,
          'capture',
          buffered,
          limit,
        ]);
        assert.deepEqual(inBounds(result), {
          errnos: [ERRNO.SUCCESS, ERRNO.NOSPC],
          count: limit,
          kept: limit,
          wrong: 0,
          thrown: null,
        });
      });

      it(`is cut where a function throws, ${mode}`, () => {
        const limit = 40 * MIB;
        const result = resultInChild(write, [
          through,
          'function',
          buffered,
          limit,
        ]);
        const { count, kept, ...rest } = inBounds(result);
        assert.deepEqual(rest, {
          errnos: [ERRNO.SUCCESS, ERRNO.IO],
          wrong: 0,
          thrown: true,
        });
        assert.equal(count, kept);
        assert.ok(count >= limit && count < LIST * EACH);
      });
    }
  }

  it('goes to a function whole, a part at a time', () => {
    const result = resultInChild(() => {
      const { withWrites, putIovs, u32 } = require('./guest');
      let bytes = 0;
      let largest = 0;
      const { guest, memory } = withWrites({
        fds: {
          1(chunk) {
            bytes += chunk.length;
            largest = Math.max(largest, chunk.length);
          },
        },
      });
      memory.grow(16);
      putIovs(memory, 64, Array(65_535).fill([0, 65_535]));
      const errnos = [guest.fd_write(1, 64, 65_535, 0x100000)];
      const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
      return {
        errnos,
        count: u32(memory, 0x100000),
        bytes,
        largest,
        megabytes,
      };
    });
    assert.deepEqual(inBounds(result), {
      errnos: [ERRNO.SUCCESS],
      count: LIST * EACH,
      bytes: LIST * EACH,
    });
  });

  for (const target of ['capture', () => {}]) {
    it(`is INVAL from 4 GiB on for a ${typeof target}`, () => {
      const { guest, memory } = withWrites({ fds: { 1: target } });
      memory.grow(64);
      const list = Array(4096).fill([0, MIB]);
      const at = 2 * MIB;
      putIovs(memory, at, list);
      new DataView(memory.buffer).setUint32(at - 8, UNTOUCHED, true);
      assert.equal(guest.fd_write(1, at, list.length, at - 8), ERRNO.INVAL);
      assert.equal(u32(memory, at - 8), UNTOUCHED);
    });
  }
});

describe('Options of outputs', () => {
  const dir = useTempDir();
  const EXPECTED = "a file descriptor, 'capture', a function or a Writable";
  const { MAX_LENGTH } = require('node:buffer').constants;

  const WRONG_TARGETS = {
    "'Capture'": 'Capture',
    "''": '',
    null: null,
    true: true,
    '{}': {},
    '[]': [],
    '[Object: null prototype] {}': Object.create(null),
    '{ write: [Function: write] }': { write() {} },
    '1n': 1n,
    'Symbol(stdout)': Symbol('stdout'),
  };

  for (const [given, target] of Object.entries(WRONG_TARGETS)) {
    const refuses = (action, name) =>
      assert.throws(action, {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
        message: `${name} must be ${EXPECTED}. Received ${given}`,
      });

    itWithProc(`refuse ${given} as a stream, and leave nothing open`, () => {
      const before = countDescriptors();
      for (const name of ['stdout', 'stderr']) {
        refuses(
          () =>
            new WASI({
              version: 'preview1',
              stdout: 'capture',
              stderr: 'capture',
              [name]: target,
            }),
          `options.${name}`,
        );
      }
      assertNoneLeft(before);
    });

    it(`refuse ${given} as a target of createWrites`, () => {
      refuses(() => createWrites({ fds: { 7: target } }), 'options.fds[7]');
      refuses(
        () => createWrites({ fds: new Map([[7, target]]) }),
        'options.fds[7]',
      );
      refuses(() => createWrites().map(7, target), 'target');
    });
  }

  for (const name of ['stdout', 'stderr']) {
    for (const [value, code] of [
      [-1, 'ERR_OUT_OF_RANGE'],
      [1.5, 'ERR_OUT_OF_RANGE'],
      [NaN, 'ERR_OUT_OF_RANGE'],
      [2 ** 31, 'ERR_OUT_OF_RANGE'],
    ]) {
      itWithProc(`refuse ${value} as ${name}, as node:wasi does`, () => {
        const before = countDescriptors();
        const other = name === 'stdout' ? 'stderr' : 'stdout';
        assert.throws(
          () =>
            new WASI({
              version: 'preview1',
              [name]: value,
              [other]: 'capture',
            }),
          { code, message: new RegExp(`"options\\.${name}"`) },
        );
        assertNoneLeft(before);
      });
    }
  }

  itWithProc('refuse a capture as stdin, and leave nothing open', () => {
    const before = countDescriptors();
    assert.throws(
      () =>
        new WASI({ version: 'preview1', stdin: 'capture', stdout: 'capture' }),
      { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.stdin"/ },
    );
    assertNoneLeft(before);
  });

  const INTEGERS = {
    bufferSize: [1, 2 ** 30],
    captureLimit: [0, MAX_LENGTH],
  };
  for (const [name, [min, max]] of Object.entries(INTEGERS)) {
    const WRONG = [
      ['1', 'ERR_INVALID_ARG_TYPE', `options.${name} must be a number.`, "'1'"],
      [null, 'ERR_INVALID_ARG_TYPE', `options.${name} must be a number.`],
      [1n, 'ERR_INVALID_ARG_TYPE', `options.${name} must be a number.`, '1n'],
      ...[1.5, NaN, Infinity].map((value) => [
        value,
        'ERR_OUT_OF_RANGE',
        `The value of "options.${name}" is out of range. ` +
          'It must be an integer.',
      ]),
      ...[min - 1, max + 1].map((value) => [
        value,
        'ERR_OUT_OF_RANGE',
        `The value of "options.${name}" is out of range. ` +
          `It must be >= ${min} && <= ${max}.`,
      ]),
    ];
    for (const [value, code, message, given = String(value)] of WRONG) {
      it(`refuse ${given} as ${name}`, () => {
        const error = { code, message: `${message} Received ${given}` };
        const options = { [name]: value };
        assert.throws(
          () => new WASI({ version: 'preview1', ...options }),
          error,
        );
        assert.throws(() => createWrites(options), error);
      });
    }

    it(`take ${min} as ${name}`, () => {
      createWrites({ [name]: min });
      new WASI({ version: 'preview1', [name]: min });
    });
  }

  for (const value of [1, 0, 'true', 'Auto', '', null]) {
    const given = typeof value === 'string' ? `'${value}'` : String(value);
    it(`refuse ${given} as buffered`, () => {
      const error = {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message:
          "options.buffered must be true, false or 'auto'. " +
          `Received ${given}`,
      };
      assert.throws(
        () => new WASI({ version: 'preview1', buffered: value }),
        error,
      );
      assert.throws(() => createWrites({ buffered: value }), error);
    });
  }

  it('are looked at for misspellings by createWrites', () => {
    for (const name of ['buffersize', 'captureSize', 'capture', 'buffer']) {
      assert.throws(() => createWrites({ [name]: 1 }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: new RegExp(`^options\\.${name} is not an option`),
      });
    }
  });

  for (const fd of [-1, 1.5, 2 ** 20, '1', undefined]) {
    it(`refuse ${String(fd)} as an fd of captured()`, () => {
      const code =
        typeof fd === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE';
      assert.throws(() => createWrites().captured(fd), { code });
    });
  }

  it('leave an fd as it was where a target is refused', () => {
    const out = fs.openSync(dir.path('file'), 'w');
    const started = withWrites({ fds: { 1: out, 2: 'capture' } });
    const session = new Session(started);
    session.write(2, 'before, ');
    for (const fd of [1, 2]) {
      for (const target of ['bogus', -1]) {
        assert.throws(() => started.writes.map(fd, target));
      }
    }
    session.write(1, 'to the file');
    session.write(2, 'after');
    assert.equal(dir.read('file'), 'to the file');
    assert.equal(textOf(started.writes.captured(2)), 'before, after');
    fs.closeSync(out);
  });
});

describe('A guest whose stdout is captured', () => {
  const dir = useTempDir();
  const open = useOutputs();

  function start(buffered) {
    const output = open(
      'WASI',
      { 1: 'capture', 2: 'capture' },
      { buffered, preopens: { '/': dir.path('') } },
    );
    const { end } = output;
    output.end = () => {
      end();
      output.close(PREOPEN);
    };
    return output;
  }

  const identity = (fd) => {
    const { dev, ino, rdev } = fs.fstatSync(fd);
    return `${dev} ${ino} ${rdev}`;
  };

  for (const buffered of BUFFERED) {
    describe(`(buffered: ${buffered})`, () => {
      let output;
      let before;

      beforeEach(() => {
        before = [identity(1), identity(2)];
        output = start(buffered);
      });
      afterEach(() => {
        assert.deepEqual([identity(1), identity(2)], before);
      });

      it('closes it, not that of the host', () => {
        output.write(STDOUT, 'before');
        output.close(STDOUT);
        assert.equal(output.tryWrite(STDOUT, 'after'), ERRNO.BADF);
        assert.equal(output.guest.fd_close(STDOUT), ERRNO.BADF);
        assert.equal(textOf(output.captured(STDOUT)), 'before');
      });

      it('gets a file in its place', () => {
        output.write(STDOUT, 'captured');
        const fd = output.open('file');
        assert.equal(output.guest.fd_renumber(fd, STDOUT), ERRNO.SUCCESS);
        output.write(STDOUT, 'to the file');
        output.close(STDOUT);
        assert.equal(dir.read('file'), 'to the file');
        assert.equal(textOf(output.captured(STDOUT)), 'captured');
      });

      it('gets a file under its number after it closed it', () => {
        output.write(STDOUT, 'captured');
        output.close(STDOUT);
        const fd = output.open('file');
        assert.equal(fd, STDOUT);
        output.write(fd, 'to the file');
        output.close(fd);
        assert.equal(dir.read('file'), 'to the file');
        assert.equal(textOf(output.captured(STDOUT)), 'captured');
      });

      it('moves it to another number', () => {
        output.write(STDOUT, 'one, ');
        const fd = output.open('file');
        assert.equal(output.guest.fd_renumber(STDOUT, fd), ERRNO.SUCCESS);
        assert.equal(output.tryWrite(STDOUT, 'nowhere'), ERRNO.BADF);
        output.write(fd, 'two');
        output.close(fd);
        assert.equal(textOf(output.captured(STDOUT)), 'one, two');
        assert.equal(dir.read('file'), '');
      });

      it('has stderr go where stdout went', () => {
        output.write(STDOUT, 'out, ');
        output.write(STDERR, 'err, ');
        assert.equal(output.guest.fd_renumber(STDERR, STDOUT), ERRNO.SUCCESS);
        output.write(STDOUT, 'renumbered');
        assert.equal(textOf(output.captured(STDOUT)), 'out, ');
        assert.equal(textOf(output.captured(STDERR)), 'err, renumbered');
      });

      it('sees no terminal', () => {
        for (const fd of [STDOUT, STDERR]) {
          const { filetype, rights, flags } = output.fdstat(fd);
          // As wasi-libc's isatty() tells.
          const CHARACTER_DEVICE = 2;
          const isatty =
            filetype === CHARACTER_DEVICE &&
            (rights & (RIGHTS.FD_SEEK | RIGHTS.FD_TELL)) === 0n;
          assert.equal(isatty, false);
          assert.equal(rights & RIGHTS.FD_WRITE, RIGHTS.FD_WRITE);
          assert.equal(flags, 0);
        }
      });

      it('writes its files after close() as before', () => {
        output.write(STDOUT, 'one, ');
        output.wasi.close();
        const fds = ['file', 'other', 'third'].map((name) => output.open(name));
        fds.forEach((fd, i) => output.write(fd, `to ${i}`));
        output.close(...fds);
        assert.deepEqual(
          ['file', 'other', 'third'].map((name) => dir.read(name)),
          ['to 0', 'to 1', 'to 2'],
        );
        assert.equal(textOf(output.captured(STDOUT)), 'one, ');
      });

      it('has its streams after close(), whatever files it opens', () => {
        output.write(STDOUT, 'one, ');
        output.wasi.close();
        const fds = ['file', 'other'].map((name) => output.open(name));
        assert.ok(fds.every((fd) => fd > PREOPEN));
        output.write(STDOUT, 'two');
        output.write(STDERR, 'error');
        fds.forEach((fd, i) => output.write(fd, `to ${i}`));
        output.close(...fds);
        assert.deepEqual(
          ['file', 'other'].map((name) => dir.read(name)),
          ['to 0', 'to 1'],
        );
        assert.equal(textOf(output.captured(STDOUT)), 'one, two');
        assert.equal(textOf(output.captured(STDERR)), 'error');
      });

      it('can close it after close(), and gets a file in its place', () => {
        output.wasi.close();
        output.close(STDOUT);
        assert.equal(output.tryWrite(STDOUT, 'after'), ERRNO.BADF);
        assert.equal(output.guest.fd_close(STDOUT), ERRNO.BADF);
        const fd = output.open('file');
        assert.equal(fd, STDOUT);
        output.write(fd, 'to the file');
        output.close(fd);
        assert.equal(dir.read('file'), 'to the file');
        assert.equal(textOf(output.captured(STDOUT)), '');
      });

      it('goes on as before when start() refuses to start it again', () => {
        const instance = { exports: output.guest };
        assert.throws(() => output.wasi.start(instance), {
          code: 'ERR_WASI_ALREADY_STARTED',
        });
        assert.equal(output.fdstat(STDOUT).flags, 0);
        const fd = output.open('file');
        assert.ok(fd > PREOPEN);
        output.write(STDOUT, 'captured');
        output.close(fd);
        assert.equal(dir.read('file'), '');
        assert.equal(textOf(output.captured(STDOUT)), 'captured');
      });
    });
  }

  const ENDS = {
    returns: () => {},
    exits: ({ guest }) => guest.proc_exit(1),
    traps: ({ guest }) => guest.trap(),
    'closes it and exits'({ guest }) {
      guest.fd_close(STDOUT);
      guest.proc_exit(1);
    },
    'moves it and returns': ({ guest }) => guest.fd_renumber(STDOUT, STDERR),
  };
  for (const [name, end] of Object.entries(ENDS)) {
    itWithProc(`leaves no descriptor when it ${name}, 200 times`, () => {
      const before = countDescriptors();
      for (let i = 0; i < 200; i++) {
        const { wasi, start: run } = createCommand(
          { stdout: 'capture', stderr: () => {} },
          (session) => {
            session.write(STDOUT, `output ${i}`);
            end(session);
          },
        );
        try {
          run();
        } catch (error) {
          assert.ok(error instanceof WebAssembly.RuntimeError);
        }
        assert.equal(textOf(wasi.stdout), `output ${i}`);
      }
      assertNoneLeft(before);
    });
  }

  itWithProc('leaves no descriptor when it is closed, 200 times', () => {
    const before = countDescriptors();
    for (let i = 0; i < 200; i++) {
      const { wasi } = withWASI({ stdout: 'capture', stderr: 'capture' });
      wasi.close();
    }
    assertNoneLeft(before);
  });

  for (const buffered of BUFFERED) {
    itWithProc(
      `leaves none when it was collected, buffered: ${buffered}`,
      () => {
        const { peak, left } = resultInChild(
          async (mode) => {
            const { setImmediate: turn } = require('node:timers/promises');
            const { readdirSync } = require('node:fs');
            const { withWASI } = require('./guest');
            const { Session } = require('./session');
            const count = () => readdirSync('/proc/self/fd').length;
            function create() {
              const session = new Session(
                withWASI({
                  stdout: 'capture',
                  stderr: () => {},
                  buffered: mode,
                }),
              );
              session.write(1, 'text');
              session.write(2, 'text');
            }
            create();
            const begin = count();
            for (let i = 0; i < 200; i++) create();
            const peak = count() - begin;
            for (let i = 0; i < 200 && count() > begin; i++) {
              global.gc();
              await turn();
            }
            return { peak, left: Math.max(0, count() - begin) };
          },
          [buffered],
          ['--expose-gc'],
        );
        assert.ok(peak > 0, `${peak}`);
        assert.equal(left, 0);
      },
    );
  }
});
