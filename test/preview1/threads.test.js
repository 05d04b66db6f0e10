'use strict';

// Threads of one guest: instances of WASI over one shared memory, with the same
// preopens, share a table of descriptors.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const {
  afterThreads,
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  itWithProc,
} = require('../helpers/descriptors');
const {
  assertOpen,
  describeShared,
  useThreads,
} = require('../helpers/guest-threads');
const { PREOPEN, RIGHTS } = require('../helpers/session');

const FIRST = PREOPEN + 1;

describeShared('Threads of one guest', () => {
  const { dir, here, memory, start } = useThreads();

  const startThree = () => Promise.all([start(), start(), start()]);

  describe('have one table', () => {
    it('in which one opens, another writes and a third closes', async () => {
      const threads = await startThree();
      const [a, b, c] = threads;
      const fd = await a.call('open', 'file');
      assert.equal(await b.call('write', fd, 'one '), 4);
      assert.equal(await c.call('write', fd, ['two ', 'three']), 9);
      await assertOpen(threads, fd, true);
      await c.call('close', fd);
      await assertOpen(threads, fd, false);
      assert.equal(await a.call('tryWrite', fd, 'x'), ERRNO.BADF);
      assert.equal(await b.call('errno', 'fd_close', fd), ERRNO.BADF);
      assert.equal(dir.read('file'), 'one two three');
    });

    it('also with an instance of the main thread', async () => {
      const main = here();
      const thread = await start();
      const first = main.open('first');
      const second = await thread.call('open', 'second');
      await thread.call('write', first, 'by the thread');
      main.write(second, 'by the main thread');
      await thread.call('close', first);
      main.close(second);
      assert.equal(dir.read('first'), 'by the thread');
      assert.equal(dir.read('second'), 'by the main thread');
      await assertOpen([main, thread], first, false);
      await assertOpen([main, thread], second, false);
    });

    it('also with another instance of the same thread', () => {
      const [a, b] = [here(), here()];
      const fd = a.open('file');
      b.write(fd, 'text');
      b.close(fd);
      assert.equal(a.isOpen(fd), false);
      assert.equal(dir.read('file'), 'text');
    });

    it('where a number is the lowest that is free for all', async () => {
      const [a, b, c] = await startThree();
      assert.equal(await a.call('open', 'file'), FIRST);
      assert.equal(await b.call('open', 'file'), FIRST + 1);
      assert.equal(await c.call('open', 'file'), FIRST + 2);
      await c.call('close', FIRST);
      assert.equal(await b.call('open', 'file'), FIRST);
      assert.equal(await a.call('open', 'file'), FIRST + 3);
    });

    it('with one offset, one set of flags and one of rights', async () => {
      const [a, b] = await startThree();
      const fd = await a.call('open', 'file');
      await a.call('write', fd, '0123456789');
      assert.equal(await b.call('tell', fd), 10n);
      await b.call('seek', fd, 4n);
      assert.equal(await a.call('read', fd, 2), '45');
      assert.equal(
        await b.call('errno', 'fd_fdstat_set_flags', fd, FDFLAGS.APPEND),
        ERRNO.SUCCESS,
      );
      assert.equal((await a.call('fdstat', fd)).flags, FDFLAGS.APPEND);
      await a.call('write', fd, 'end');
      assert.equal(dir.read('file'), '0123456789end');
      const rights = RIGHTS.FD_READ | RIGHTS.FD_SEEK;
      assert.equal(
        await b.call('errno', 'fd_fdstat_set_rights', fd, rights, 0n),
        ERRNO.SUCCESS,
      );
      assert.equal(await a.call('tryWrite', fd, 'x'), ERRNO.NOTCAPABLE);
    });

    it('in which fd_renumber moves a file for all', async () => {
      const [a, b, c] = await startThree();
      const from = await a.call('open', 'from');
      const to = await b.call('open', 'to');
      await c.call('write', from, 'one ');
      await c.call('renumber', from, to);
      await assertOpen([a, b, c], from, false);
      await a.call('write', to, 'two');
      assert.equal(dir.read('from'), 'one two');
      assert.equal(dir.read('to'), '');
    });

    it('in which a preopen that one closes is closed for all', async () => {
      const [a, b, c] = await startThree();
      await b.call('close', PREOPEN);
      await assertOpen([a, b, c], PREOPEN, false);
      assert.equal(await a.call('tryOpen', 'file'), ERRNO.BADF);
      assert.equal(fs.existsSync(dir.path('file')), false);
      // A later thread adds no preopen.
      await assertOpen([await start()], PREOPEN, false);
    });

    it('where the guest of each is another path to one directory', async () => {
      fs.mkdirSync(dir.path('real'));
      fs.symlinkSync('real', dir.path('link'));
      const a = here({ preopens: { '/': dir.path('real') } });
      const b = await start({ preopens: { '/': dir.path('link') } });
      const fd = a.open('file');
      await b.call('write', fd, 'text');
      assert.equal(dir.read('real/file'), 'text');
    });

    it('which one joins late, when the memory has grown', async () => {
      const a = await start();
      const fd = await a.call('open', 'file');
      memory().grow(4);
      const b = await start();
      await b.call('write', fd, 'text');
      assert.equal(await b.call('open', 'other'), fd + 1);
      assert.equal(dir.read('file'), 'text');
    });
  });

  describe('keep a file open', () => {
    itWithProc('when the thread that opened it has ended', async () => {
      const main = here();
      const a = await start();
      const b = await start();
      const fd = await a.call('open', 'file');
      await a.end();
      main.write(fd, 'one ');
      await b.call('write', fd, 'two');
      assert.equal(descriptorsOf(dir.path('file')).length, 1);
      assert.equal(dir.read('file'), 'one two');
    });

    itWithProc('when that thread was terminated', async () => {
      const a = await start();
      const b = await start();
      const fd = await a.call('open', 'file');
      await a.terminate();
      await b.call('write', fd, 'text');
      assert.equal(descriptorsOf(dir.path('file')).length, 1);
      assert.equal(dir.read('file'), 'text');
    });

    itWithProc('when the instance that opened it is closed', async () => {
      const main = here();
      const thread = await start();
      const fd = main.open('file');
      main.closeAll();
      assert.equal(main.isOpen(fd), false);
      assert.equal(main.tryWrite(fd, 'x'), ERRNO.BADF);
      await thread.call('write', fd, 'text');
      assert.equal(await thread.call('open', 'other'), fd + 1);
      assert.equal(descriptorsOf(dir.path('file')).length, 1);
      assert.equal(dir.read('file'), 'text');
    });

    const lasts = {
      'a thread that ends': (thread) => thread.end(),
      'a thread that is terminated': (thread) => thread.terminate(),
      'a thread that closes its instance': (thread) => thread.call('closeAll'),
    };
    for (const [what, endLast] of Object.entries(lasts)) {
      itWithProc(`until the last is gone, ${what}`, async () => {
        const before = countDescriptors();
        const main = here();
        const [a, b] = [await start(), await start()];
        for (const session of [main, a, b]) await session.call('open', 'file');
        await a.end();
        main.closeAll();
        assert.equal(descriptorsOf(dir.path('file')).length, 3);
        await endLast(b);
        await afterThreads(() =>
          assert.deepEqual(descriptorsOf(dir.path('file')), []),
        );
        await b.terminate();
        await afterThreads(() => assertNoneLeft(before));
      });
    }

    itWithProc('until the last is gone, the main thread', async () => {
      const before = countDescriptors();
      const main = here();
      const threads = await startThree();
      for (const thread of threads) await thread.call('open', 'file');
      await Promise.all(threads.map((thread) => thread.end()));
      assert.equal(descriptorsOf(dir.path('file')).length, 3);
      main.closeAll();
      await afterThreads(() => assertNoneLeft(before));
    });

    it('and a guest that comes after the last has a table of its own', () => {
      const first = here();
      const fd = first.open('file');
      first.closeAll();
      const second = here();
      assert.equal(second.isOpen(fd), false);
      assert.equal(second.open('other'), fd);
      assert.equal(first.isOpen(fd), false);
      second.write(fd, 'text');
      assert.equal(dir.read('other'), 'text');
    });
  });
});
