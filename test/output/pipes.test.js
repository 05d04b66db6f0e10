'use strict';

// Pipes from this process to its children, on every platform.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { buffer, text } = require('node:stream/consumers');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { CLI, TOOLBOX } = require('../helpers/cli');
const { commandLine, resultInChild } = require('../helpers/in-child');
const { itOnWindows } = require('../helpers/windows');

const SIZE = 1_000_000;
const PIPE_CLOSED = 141;

describe('A pipe to a child', () => {
  /** Starts a function in a process, as `inChild` does. */
  function start(body, args) {
    const [node, ...rest] = commandLine(body, args);
    return spawn(node, rest, { cwd: `${__dirname}/../helpers` });
  }

  for (const through of ['WASI', 'createWrites']) {
    it(`gets all of ${SIZE} bytes from ${through}, though it is full`, async () => {
      const child = start(
        (through, size) => {
          const { writeSync } = require('node:fs');
          const { withWASI, withWrites } = require('./guest');
          const { pattern } = require('./bytes');
          const { Session } = require('./session');
          const session = new Session(
            through === 'WASI'
              ? withWASI({ stdout: 1 })
              : withWrites({ fds: { 1: 1 } }),
          );
          writeSync(2, 'it begins');
          const count = session.write(1, pattern(size));
          writeSync(2, `, ${count}`);
        },
        [through, SIZE],
      );
      const [begun] = await once(child.stderr, 'data');
      const [stdout, stderr] = await Promise.all([
        buffer(child.stdout),
        text(child.stderr),
      ]);
      assert.equal(begun + stderr, `it begins, ${SIZE}`);
      assertSameBytes(stdout, pattern(SIZE));
    });

    it(`without a reader gives ${through} PIPE, and the process lives`, async () => {
      const child = start(
        (through) => {
          const { readFileSync, writeSync } = require('node:fs');
          const { withWASI, withWrites } = require('./guest');
          const { Session } = require('./session');
          const session = new Session(
            through === 'WASI'
              ? withWASI({ stdout: 1 })
              : withWrites({ fds: { 1: 1 } }),
          );
          readFileSync(0);
          const errnos = [1, 2].map(() => session.tryWrite(1, 'bytes'));
          writeSync(2, JSON.stringify(errnos));
        },
        [through],
      );
      child.stdout.destroy();
      await once(child.stdout, 'close');
      child.stdin.end();
      assert.equal(await text(child.stderr), `[${ERRNO.PIPE},${ERRNO.PIPE}]`);
    });
  }

  it('gives PIPE when its reader goes in the middle of a write', async () => {
    const child = start(() => {
      const { writeSync } = require('node:fs');
      const { withWrites } = require('./guest');
      const { Session } = require('./session');
      const session = new Session(withWrites({ fds: { 1: 1 } }));
      // The first may have a short count.
      const errnos = [1, 2].map(() => session.tryWrite(1, Buffer.alloc(1e7)));
      writeSync(2, JSON.stringify(errnos));
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [first, second] = JSON.parse(await text(child.stderr));
    assert.ok([ERRNO.SUCCESS, ERRNO.PIPE].includes(first), `${first}`);
    assert.equal(second, ERRNO.PIPE);
  });

  it('is ready for poll_oneoff, to be written and to be read', () => {
    const events = resultInChild(() => {
      const { withWASI } = require('./guest');
      const { guest, memory } = withWASI({ stdin: 0, stdout: 1 });
      const view = new DataView(memory.buffer);
      const EVENTS = 512;
      const COUNT = 256;
      return [0, 1].map((fd) => {
        const tag = fd + 1; // FD_READ, FD_WRITE
        view.setUint8(8, tag);
        view.setUint32(16, fd, true);
        const errno = guest.poll_oneoff(0, EVENTS, 1, COUNT);
        return [
          ...[errno, view.getUint32(COUNT, true)],
          ...[view.getUint16(EVENTS + 8, true), view.getUint8(EVENTS + 10)],
        ];
      });
    });
    assert.deepEqual(events, [
      [ERRNO.SUCCESS, 1, ERRNO.SUCCESS, 1],
      [ERRNO.SUCCESS, 1, ERRNO.SUCCESS, 2],
    ]);
  });

  // Elsewhere it is a socket, whose end may be another errno. test/api has pipes.
  itOnWindows('without a reader ends the command quietly', async () => {
    const child = spawn(process.execPath, [CLI, TOOLBOX, 'lines', '1000000']);
    const exit = once(child, 'exit');
    const [first] = await once(child.stdout, 'data');
    child.stdout.destroy();
    const stderr = await text(child.stderr);
    assert.match(String(first), /^line 1\n/);
    assert.deepEqual([...(await exit), stderr], [PIPE_CLOSED, null, '']);
  });

  // It would be the end of the file for the reader. The descriptor here is for reading,
  // so that a write would fail.
  itOnWindows('is not written by a write of no bytes', () => {
    const errno = resultInChild(() => {
      const { withWrites } = require('./guest');
      const { Session } = require('./session');
      return new Session(withWrites({ fds: { 1: 0 } })).tryWrite(1, []);
    });
    assert.equal(errno, ERRNO.SUCCESS);
  });
});
