'use strict';

// Threads of one guest use its numbers at the same time.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { setImmediate, setTimeout } = require('node:timers/promises');
const { descriptorsOf, itWithProc } = require('../helpers/descriptors');
const { describeShared, useThreads } = require('../helpers/guest-threads');
const { useHostFiles } = require('../helpers/host-files');
const { RIGHTS } = require('../helpers/session');
const { countCalls, runRound } = require('../helpers/table-rounds');

const { O_RDWR, O_NONBLOCK } = fs.constants;

const SLICES = 100; // ms, 20 for each slice: a wait has been resumed by then
const MORE_THAN_FITS = 200_000; // bytes, into a pipe

const WRITE = { write: 2, pwrite: 1 };
const READ = { header: 2, inode: 1 };

describeShared('Threads of one guest at the same time', () => {
  const { dir, here, start } = useThreads();
  const host = useHostFiles();

  describe('with fd_renumber over', () => {
    const rows = {
      'a file that others write': [{ replace: 1 }, WRITE, WRITE],
      'a file that others read': [{ replace: 1 }, READ, READ],
      'files that others renumber too': [{ replace: 1 }, { replace: 1 }, WRITE],
    };
    for (const [what, weights] of Object.entries(rows)) {
      itWithProc(`${what} leave no byte in a wrong file`, async () => {
        const { log, written, seen } = await runRound({
          directory: host.path(''),
          seed: 1,
          count: 2500,
          // At least one number is always open.
          opened: [0, 1],
          plans: weights.map((each) => ({ weights: each, numbers: [4, 5] })),
        });
        const lanes = (kind) =>
          weights.flatMap((each, i) => (kind in each ? [i + 1] : []));
        const replaced = countCalls(log, 'renumber', lanes('replace'));
        assert.equal(replaced.failed, 0);
        if (lanes('write').length > 0) {
          const { calls, failed } = countCalls(log, 'write', lanes('write'));
          assert.equal(failed, 0);
          assert.ok(written > calls);
        }
        if (lanes('header').length > 0) {
          const { calls, failed } = countCalls(log, 'see', lanes('header'));
          assert.deepEqual({ failed, seen }, { failed: 0, seen: calls });
        }
      });
    }
  });

  itWithProc('with fd_close and fd_renumber lose no number', async () => {
    const calls = { open: 2, close: 2, renumber: 1 };
    const { log } = await runRound({
      directory: host.path(''),
      seed: 4,
      count: 5000,
      plans: Array(4).fill({ weights: calls, numbers: [4, 9] }),
    });
    assert.ok(countCalls(log, 'renumber', [1, 2, 3, 4]).calls > 0);
  });

  const EIGHT = Array(8).fill({});

  describe('with random calls', () => {
    itWithProc('leave no byte in a wrong file, and nothing open', async () => {
      const { written, seen } = await runRound({
        directory: host.path(''),
        seed: 2,
        count: 2000,
        plans: EIGHT,
      });
      assert.ok(written > 0 && seen > 0);
    });

    itWithProc('do so when they are terminated', async () => {
      const { written, seen } = await runRound({
        directory: host.path(''),
        seed: 3,
        count: 2000,
        plans: EIGHT,
        // A call takes about two ticks of the clock.
        terminate: EIGHT.map((_, i) => 1000 + 3000 * i),
        closeMain: 2000,
      });
      assert.ok(written > 0 && seen > 0);
    });
  });

  describe('with fd_readdir of one number', () => {
    it('see each entry once, as their cookies say', async () => {
      const names = Array.from({ length: 400 }, (_, i) => `entry ${i}`).sort();
      fs.mkdirSync(dir.path('directory'));
      for (const name of names) dir.write(`directory/${name}`, '');
      const threads = await Promise.all([start(), start(), start()]);
      const fd = await threads[0].call('openDirectory', 'directory');
      for (const sizes of [
        [64, 64, 64],
        [100, 1000, 4096],
      ]) {
        const lists = await Promise.all(
          threads.map((thread, i) => thread.call('list', fd, sizes[i])),
        );
        for (const list of lists) assert.deepEqual(list.sort(), names);
      }
      await threads[1].call('close', fd);
      assert.equal(await threads[2].call('isOpen', fd), false);
    });
  });

  describe('while one of them waits for a FIFO', () => {
    /** A thread that reads from a FIFO without a writer. */
    async function startReader() {
      execFileSync('mkfifo', [dir.path('fifo')]);
      const reader = await start();
      const other = await start();
      const fd = await other.call('open', 'fifo', {
        oflags: 0,
        rights: RIGHTS.FD_READ,
      });
      const cell = new Int32Array(new SharedArrayBuffer(4));
      const text = reader.call('readTelling', cell, fd, 100);
      text.catch(() => {}); // if the test fails earlier
      while (Atomics.load(cell, 0) === 0) await setImmediate();
      return { fd, other, reader, text };
    }

    /** The bytes that are in a FIFO. */
    function readSome(end) {
      const bytes = Buffer.alloc(4096);
      try {
        return bytes.subarray(0, fs.readSync(end, bytes));
      } catch (error) {
        assert.equal(error.code, 'EAGAIN');
        return bytes.subarray(0, 0);
      }
    }

    function writeFifo(text) {
      const fd = fs.openSync(dir.path('fifo'), O_RDWR | O_NONBLOCK);
      fs.writeSync(fd, text);
      return fd;
    }

    it('open, write and close other files', async () => {
      const { fd, other, text } = await startReader();
      await other.call('makeFiles', 'file ', 300);
      const main = here();
      main.makeFiles('by main ', 300);
      const held = writeFifo('at last');
      assert.equal(await text, 'at last');
      fs.closeSync(held);
      await other.call('close', fd);
      for (const name of ['file 0', 'file 299', 'by main 299']) {
        assert.equal(dir.read(name), name);
      }
    });

    it('write to it themselves', async () => {
      const { other, text } = await startReader();
      const fd = await other.call('open', 'fifo', {
        oflags: 0,
        rights: RIGHTS.FD_WRITE,
      });
      await other.call('write', fd, 'from a thread');
      assert.equal(await text, 'from a thread');
    });

    itWithProc('close it, and the last user closes', async () => {
      const { fd, other, text } = await startReader();
      dir.write('file', 'of another file');
      await other.call('close', fd);
      const rights = RIGHTS.FD_READ | RIGHTS.FD_WRITE;
      assert.equal(await other.call('open', 'file', { oflags: 0, rights }), fd);
      await setTimeout(SLICES);
      const held = writeFifo('at last');
      assert.equal(await text, 'at last');
      fs.closeSync(held);
      await other.call('write', fd, 'OF');
      assert.equal(dir.read('file'), 'OF another file');
      assert.deepEqual(descriptorsOf(dir.path('fifo')), []);
    });

    itWithProc(
      'close it while its bytes go out, and none is lost',
      async () => {
        execFileSync('mkfifo', [dir.path('fifo')]);
        const end = fs.openSync(dir.path('fifo'), O_RDWR | O_NONBLOCK);
        const writer = await start();
        const other = await start();
        const open = { oflags: 0, rights: RIGHTS.FD_WRITE };
        const fd = await other.call('open', 'fifo', open);
        const all = 'x'.repeat(MORE_THAN_FITS);
        const written = writer.call('write', fd, all);
        const got = [readSome(end)];
        while (got[0].length === 0) got[0] = readSome(end);
        await other.call('close', fd);
        assert.equal(await other.call('open', 'file'), fd);
        await setTimeout(SLICES);
        let length = got[0].length;
        while (length < all.length) {
          got.push(readSome(end));
          length += got.at(-1).length;
          await setImmediate();
        }
        await written;
        assert.equal(Buffer.concat(got).toString(), all);
        assert.equal(dir.read('file'), '');
        fs.closeSync(end);
        assert.deepEqual(descriptorsOf(dir.path('fifo')), []);
      },
    );

    itWithProc('terminate it, and go on with its number', async () => {
      const { fd, other, reader } = await startReader();
      await other.call('makeFiles', 'file ', 300);
      await reader.terminate();
      assert.equal(await other.call('isOpen', fd), true);
      const held = writeFifo('for another');
      assert.equal(await other.call('read', fd, 100), 'for another');
      fs.closeSync(held);
      await other.call('close', fd);
      assert.deepEqual(descriptorsOf(dir.path('fifo')), []);
    });
  });

  for (const buffered of [true, 'auto']) {
    describe(`with buffered: ${buffered}`, () => {
      it('see at once what another has written to a file', async () => {
        const thread = await start({ buffered });
        const fd = await thread.call('open', 'file');
        // In one turn: at its end all bytes would be flushed.
        const session = here({ buffered });
        session.write(fd, 'one ');
        assert.equal(dir.read('file'), 'one ');
        session.pwrite(fd, 'ONE', 0n);
        assert.equal(dir.read('file'), 'ONE ');
        assert.equal((await thread.call('tryPread', fd, 9, 0n)).text, 'ONE ');
        await thread.call('write', fd, 'two');
        assert.equal(session.tryPread(fd, 9, 0n).text, 'ONE two');
      });

      it('buffer what is their own stream', () => {
        const session = here({ buffered, stdout: host.open('out', 'w') });
        session.write(1, 'text');
        assert.equal(host.read('out'), '');
        session.flush();
        assert.equal(host.read('out'), 'text');
      });
    });
  }
});
