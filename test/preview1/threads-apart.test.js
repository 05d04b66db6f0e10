'use strict';

// Guests that share a memory or a directory, but are not threads of one guest.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { WASI, createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { copyPackage } = require('../helpers/copy');
const {
  describeShared,
  newMemory,
  useThreads,
} = require('../helpers/guest-threads');
const { useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { PREOPEN, Session } = require('../helpers/session');
const { PAGE } = require('../helpers/thread-session');

const STDOUT = 1;
const FIRST = PREOPEN + 1;

describeShared('Guests that are apart', () => {
  const { dir, here, memory, start } = useThreads();
  const host = useHostFiles();

  /** Neither sees the other's files, and each gets the lowest number. */
  async function assertApart(a, b, first = FIRST) {
    assert.equal(await a.call('open', 'of a'), first);
    assert.equal(await b.call('isOpen', first), false);
    assert.equal(await b.call('open', 'of b'), first);
    await a.call('write', first, 'a');
    await b.call('write', first, 'b');
    await a.call('close', first);
    await b.call('write', first, 'b');
    await a.call('close', STDOUT);
    assert.equal(await b.call('isOpen', STDOUT), true);
  }

  describe('over one memory', () => {
    beforeEach(() => {
      fs.mkdirSync(dir.path('x'));
      fs.mkdirSync(dir.path('y'));
    });

    const preopens = {
      'with another directory': [{ '/': 'x' }, { '/': 'y' }],
      'with another name of the directory': [{ '/': 'x' }, { '/x': 'x' }],
      'with a directory more': [{ '/': 'x' }, { '/': 'x', '/y': 'y' }],
    };
    for (const [what, [ofA, ofB]] of Object.entries(preopens)) {
      it(what, async () => {
        const [a, b] = [ofA, ofB].map((names) => ({
          preopens: Object.fromEntries(
            Object.entries(names).map(([name, at]) => [name, dir.path(at)]),
          ),
        }));
        const session = here(a);
        const thread = await start(b);
        const number = PREOPEN + Object.keys(ofB).length;
        const fd = session.open('of a');
        assert.equal(await thread.call('isOpen', number), false);
        assert.equal(await thread.call('open', 'of b'), number);
        session.write(fd, 'a');
        await thread.call('write', number, 'b');
        await thread.call('close', STDOUT);
        assert.equal(session.isOpen(STDOUT), true);
        const place = Object.values(ofB)[0];
        assert.equal(dir.read('x/of a'), 'a');
        assert.equal(dir.read(`${place}/of b`), 'b');
      });
    }

    it('with another directory that has the name now', async () => {
      const a = here({ preopens: { '/': dir.path('x') } });
      fs.renameSync(dir.path('x'), dir.path('z'));
      fs.renameSync(dir.path('y'), dir.path('x'));
      const b = await start({ preopens: { '/': dir.path('x') } });
      await assertApart(a, b);
      assert.equal(dir.read('z/of a'), 'a');
      assert.equal(dir.read('x/of b'), 'bb');
    });

    it('when one of them has no directory', async () => {
      const a = here();
      const b = await start({ preopens: {} });
      const fd = a.open('file');
      assert.equal(await b.call('isOpen', PREOPEN), false);
      assert.equal(await b.call('isOpen', fd), false);
      await b.call('close', STDOUT);
      assert.equal(a.isOpen(STDOUT), true);
    });

    it('when one of them is createWrites()', () => {
      const out = host.open('out', 'w');
      const session = here();
      const { wasiImport } = createWrites({
        fds: { [STDOUT]: out, [FIRST]: out },
        memory: memory(),
      });
      const writes = new Session(
        { guest: wasiImport, memory: memory() },
        8 * PAGE,
      );
      const fd = session.open('file');
      assert.equal(fd, FIRST);
      writes.write(FIRST, 'plug');
      session.write(fd, 'file');
      session.close(fd, STDOUT);
      writes.write(FIRST, ' and ');
      writes.write(STDOUT, 'play');
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
      assert.equal(host.read('out'), 'plug and play');
      assert.equal(dir.read('file'), 'file');
    });

    it('when one of them is of another copy of the package', () => {
      const { WASI: Other } = require(copyPackage());
      assert.notEqual(Other, WASI);
      const wasi = new Other({
        version: 'preview1',
        preopens: { '/': dir.path('') },
      });
      wasi.finalizeBindings({ exports: {} }, { memory: memory() });
      const other = new Session(
        { guest: wasi.wasiImport, memory: memory(), wasi },
        8 * PAGE,
      );
      const session = here();
      const fd = session.open('of a');
      assert.equal(other.open('of b'), fd);
      session.write(fd, 'a');
      other.write(fd, 'b');
      session.close(fd);
      other.write(fd, 'b');
      wasi.close();
      assert.deepEqual([dir.read('of a'), dir.read('of b')], ['a', 'bb']);
    });
  });

  it('over two memories', async () => {
    const a = here();
    const b = await start({ memory: newMemory() });
    await assertApart(a, b);
    assert.deepEqual([dir.read('of a'), dir.read('of b')], ['a', 'bb']);
  });

  it('over a memory that is not shared', async () => {
    const own = new WebAssembly.Memory({ initial: 16 });
    const a = here({ memory: own });
    const b = here({ memory: own });
    await assertApart(a, b);
    assert.deepEqual([dir.read('of a'), dir.read('of b')], ['a', 'bb']);
  });

  describe('at the address of a memory that is gone', () => {
    // Runs in a process with an exposed collector.
    async function makeMany(directory, way, count) {
      const { setImmediate } = require('node:timers/promises');
      const { WASI: Guest } = require('../..');
      const { Session: Calls } = require('../helpers/session');
      const fs = require('node:fs');
      const FIRST_FILE = 4;
      const kept = [];
      let strange = 0;
      let most = 0;

      function makeOne() {
        const wasm = { initial: 1, maximum: 1, shared: true };
        const memory = new WebAssembly.Memory(wasm);
        const wasi = new Guest({
          version: 'preview1',
          preopens: { '/': directory },
        });
        wasi.finalizeBindings({ exports: {} }, { memory });
        const calls = new Calls({ guest: wasi.wasiImport, memory, wasi });
        for (let fd = FIRST_FILE; fd < FIRST_FILE + 4; fd++) {
          if (calls.guest.fd_fdstat_get(fd, 64) !== 8) strange++;
        }
        if (calls.open('file') !== FIRST_FILE) strange++;
        calls.open('file');
        if (way === 'closed') wasi.close();
        if (way === 'kept') kept.push(wasi);
      }

      for (let i = 0; i < count; i++) {
        makeOne();
        globalThis.gc();
        await setImmediate();
        globalThis.gc();
        await setImmediate();
        const { length } = fs.readdirSync('/dev/fd');
        most = Math.max(most, length);
      }
      for (const wasi of kept) wasi.close();
      return { strange, most };
    }

    const ways = {
      closed: ['whose guest was closed', 0],
      dropped: ['that was collected with its guest', 40],
      kept: ['whose guest is still there', Infinity],
    };
    for (const [way, [what, bound]] of Object.entries(ways)) {
      it(`${what} see nothing of one another`, () => {
        const count = 60;
        const args = [dir.path(''), way, count];
        const { strange, most } = resultInChild(makeMany, args, [
          '--expose-gc',
        ]);
        assert.equal(strange, 0);
        // Three descriptors each: the directory, and two of the file.
        assert.ok(most < 40 + bound, `${most} descriptors`);
      });
    }
  });
});
