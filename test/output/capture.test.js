'use strict';

// Output that goes to a capture.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { PassThrough } = require('node:stream');
const { ERRNO } = require('../../lib/preview1');
const { BUFFERED } = require('../helpers/buffering');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand, runCommand } = require('../helpers/command');
const { resultInChild } = require('../helpers/in-child');
const { THROUGH, useOutputs } = require('../helpers/outputs');
const { call, forEachMode } = require('../helpers/target-calls');

const STDOUT = 1;
const STDERR = 2;
const UNTOUCHED = 0xfeedface;
const DATA = 65536;
const MIB = 2 ** 20;

const textOf = (chunk) => Buffer.from(chunk).toString();

const refused = (errno) => ({ errno, left: UNTOUCHED });
const took = (count) => ({ errno: ERRNO.SUCCESS, count });

describe('A capture', () => {
  const open = useOutputs();

  it('goes with what it has taken when another target replaces it', () => {
    const { before, after } = resultInChild(
      () => {
        const { createWrites } = require('../..');
        const { rss } = process.memoryUsage;
        const size = 4 * 2 ** 20;
        const memory = new WebAssembly.Memory({ initial: 128 });
        new Uint32Array(memory.buffer).set([1024, size]);
        const writes = createWrites({ memory });
        const once = (i) => {
          writes.map(i % 5, 'capture');
          if (writes.fd_write(i % 5, 0, 1, 16) !== 0) throw new Error('lost');
          const { length } = writes.captured(i % 5);
          if (length !== size) throw new Error(`${length} bytes`);
          globalThis.gc();
        };
        for (let i = 0; i < 5; i++) once(i);
        const first = rss();
        for (let i = 0; i < 60; i++) once(i);
        return { before: first, after: rss() };
      },
      [],
      ['--expose-gc'],
    );
    // All captures together would be 240 MiB.
    assert.ok(after - before < 100 * MIB, `${before}, ${after}`);
  });

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

    it(`keeps the part of a list that fits, ${mode}`, () => {
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
      // V8 sometimes writes to an event descriptor.
      assert.ok(written() - before < 20);
    });
  });

  for (const buffered of BUFFERED) {
    it(`takes nothing from a guest that gave up its right, buffered: ${buffered}`, () => {
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

  it('is possible for many fds', () => {
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

  it('belongs to one instance, whatever another captures', () => {
    const all = [0, 1, 2].map(() => open('WASI', { 1: 'capture' }));
    all.forEach((output, i) => output.write(STDOUT, `of ${i}`));
    assert.deepEqual(
      all.map((output) => textOf(output.captured(STDOUT))),
      ['of 0', 'of 1', 'of 2'],
    );
  });

  for (const buffered of BUFFERED) {
    it(`has all bytes when start() returns, buffered: ${buffered}`, () => {
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

    it(`has the bytes written before a trap, buffered: ${buffered}`, () => {
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

describe('100 MB in a capture', () => {
  const open = useOutputs();
  const TOTAL = 100_000_000;
  const PART = 1_000_000;

  for (const through of THROUGH) {
    it(`are exact, and kept once, under ${through}`, () => {
      const output = open(
        through,
        { [STDOUT]: 'capture' },
        { captureLimit: TOTAL },
      );
      output.memory.grow(32);
      const bytes = pattern(TOTAL);
      const sizes = [16, 80, 3000, 65_536, 100_000, 7];
      const before = process.memoryUsage.rss();
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
      const grown = process.memoryUsage.rss() - before;
      assert.ok(grown <= 1.5 * TOTAL, `${grown}`);
      assertSameBytes(output.captured(STDOUT), bytes);
      assert.deepEqual(call(output, STDOUT, [[DATA, 1]]), refused(ERRNO.NOSPC));
    });
  }
});
