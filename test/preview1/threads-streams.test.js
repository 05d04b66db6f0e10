'use strict';

// The standard streams of threads of one guest. 0 to 2 are each thread's own, until
// a thread closes or renumbers one.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const {
  assertOpen,
  describeShared,
  useThreads,
} = require('../helpers/guest-threads');
const { useHostFiles } = require('../helpers/host-files');

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;

/** Blocks the calling thread until another thread has closed a number. */
function waitUntilClosed(session, fd) {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (session.isOpen(fd)) Atomics.wait(cell, 0, 0, 1);
}

describeShared('The standard streams of threads of one guest', () => {
  const { dir, here, start } = useThreads();
  const host = useHostFiles();

  /** Three threads, each with a function that collects its stdout. */
  async function startThree(options) {
    const out = host.open('out', 'w');
    const threads = [
      here({ ...options, stdout: 'capture' }),
      await start({ ...options, stdout: out }),
      await start({ ...options, stdout: 'function' }),
    ];
    const told = async () => [
      await threads[0].call('told', 'stdout'),
      host.read('out'),
      await threads[2].call('told', 'stdout'),
    ];
    return { threads, told };
  }

  const writeAll = async (threads, fd) => {
    for (const [i, thread] of threads.entries()) {
      await thread.call('write', fd, `${i}`);
    }
  };

  it('belong to each thread', async () => {
    const { threads, told } = await startThree();
    await writeAll(threads, STDOUT);
    await writeAll(threads, STDOUT);
    assert.deepEqual(await told(), ['00', '11', '22']);
  });

  it('are read by each from its own', async () => {
    host.write('a', 'of a');
    host.write('b', 'of b');
    const a = await start({ stdin: host.open('a', 'r') });
    const b = await start({ stdin: host.open('b', 'r') });
    assert.equal(await a.call('read', STDIN, 10), 'of a');
    assert.equal(await b.call('read', STDIN, 10), 'of b');
  });

  it('are closed for all when one closes a number', async () => {
    const { threads, told } = await startThree();
    await writeAll(threads, STDOUT);
    await threads[1].call('close', STDOUT);
    await assertOpen(threads, STDOUT, false);
    for (const thread of threads) {
      assert.equal(await thread.call('tryWrite', STDOUT, 'x'), ERRNO.BADF);
    }
    await assertOpen(threads, STDERR, true);
    await assertOpen([await start()], STDOUT, false);
    assert.deepEqual(await told(), ['0', '1', '2']);
  });

  for (const fd of [STDIN, STDOUT, STDERR]) {
    it(`leave ${fd} to the next file when one closes it`, async () => {
      const { threads } = await startThree({ stderr: 'capture' });
      await threads[0].call('close', fd);
      assert.equal(await threads[1].call('open', 'file'), fd);
      await writeAll(threads, fd);
      assert.equal(dir.read('file'), '012');
      await threads[2].call('close', fd);
      await assertOpen(threads, fd, false);
    });

    it(`give way to a file that is renumbered over ${fd}`, async () => {
      const { threads, told } = await startThree({ stderr: 'capture' });
      const file = await threads[2].call('open', 'file');
      await threads[1].call('renumber', file, fd);
      await assertOpen(threads, file, false);
      await writeAll(threads, fd);
      assert.equal(dir.read('file'), '012');
      assert.deepEqual(await told(), ['', '', '']);
      const late = await start({ stdout: 'capture', stderr: 'capture' });
      await late.call('write', fd, ' late');
      assert.equal(dir.read('file'), '012 late');
    });
  }

  it('still belong to each thread under another number', async () => {
    const { threads, told } = await startThree();
    const fd = await threads[1].call('open', 'file');
    await threads[0].call('renumber', STDOUT, fd);
    await assertOpen(threads, STDOUT, false);
    await writeAll(threads, fd);
    assert.deepEqual(await told(), ['0', '1', '2']);
    assert.equal(dir.read('file'), '');
    await threads[1].call('close', fd);
    await assertOpen(threads, fd, false);
  });

  it('still belong to each thread over another stream', async () => {
    const { threads, told } = await startThree({ stderr: 'capture' });
    await threads[1].call('renumber', STDOUT, STDERR);
    await assertOpen(threads, STDOUT, false);
    await writeAll(threads, STDERR);
    assert.deepEqual(await told(), ['0', '1', '2']);
    assert.equal(await threads[0].call('told', 'stderr'), '');
    assert.equal(await threads[1].call('told', 'stderr'), '');
  });

  it('come back to their number', async () => {
    const { threads, told } = await startThree();
    const saved = await threads[0].call('open', 'saved');
    await threads[0].call('renumber', STDOUT, saved);
    const file = await threads[1].call('open', 'file');
    assert.equal(file, STDOUT);
    await writeAll(threads, STDOUT);
    await threads[2].call('renumber', saved, STDOUT);
    await writeAll(threads, STDOUT);
    assert.equal(dir.read('file'), '012');
    assert.deepEqual(await told(), ['0', '1', '2']);
  });

  it('of a caller stay open when threads close them and end', async () => {
    const out = host.open('out', 'w');
    const main = here({ stdout: out });
    const thread = await start({ stdout: out });
    await thread.call('close', STDOUT);
    await thread.end();
    main.closeAll();
    fs.writeSync(out, 'by the host');
    assert.equal(host.read('out'), 'by the host');
  });

  // In one turn of the event loop: at its end each thread flushes.
  describe('that are buffered', () => {
    const startBuffered = (name) =>
      here({ buffered: true, stdout: host.open(name, 'w') });

    it('are flushed by each for itself', () => {
      const [a, b] = [startBuffered('a'), startBuffered('b')];
      a.write(STDOUT, 'of a');
      b.write(STDOUT, 'of b');
      assert.deepEqual([host.read('a'), host.read('b')], ['', '']);
      a.flush();
      assert.deepEqual([host.read('a'), host.read('b')], ['of a', '']);
      b.flush();
      assert.deepEqual([host.read('a'), host.read('b')], ['of a', 'of b']);
    });

    it('lose nothing when another thread closes the number', async () => {
      const thread = await start();
      const watcher = here();
      const session = startBuffered('out');
      session.write(STDOUT, 'written before');
      const closed = thread.call('close', STDOUT);
      waitUntilClosed(watcher, STDOUT);
      assert.equal(session.tryWrite(STDOUT, ' and after'), ERRNO.BADF);
      session.flush();
      assert.equal(host.read('out'), 'written before');
      await closed;
    });

    it('lose nothing when another thread puts a file there', async () => {
      const thread = await start();
      const file = await thread.call('open', 'file');
      const watcher = here();
      const session = startBuffered('out');
      session.write(STDOUT, 'written before');
      const moved = thread.call('renumber', file, STDOUT);
      waitUntilClosed(watcher, file);
      session.write(STDOUT, 'and after');
      assert.equal(dir.read('file'), 'and after');
      session.flush();
      assert.equal(host.read('out'), 'written before');
      await moved;
    });
  });
});
