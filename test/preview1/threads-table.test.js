'use strict';

// What the first thread of a guest decides, and what the shared table keeps alive.

const assert = require('node:assert/strict');
const { ERRNO } = require('../../lib/preview1');
const { describeShared, useThreads } = require('../helpers/guest-threads');
const { resultInChild } = require('../helpers/in-child');

const STREAMS = 3;
const PREOPENS = 1;

describeShared('The table of threads of one guest', () => {
  const { here, start } = useThreads();

  for (const [first, second] of [
    [6, 100],
    [100, 6],
  ]) {
    it(`has the maxOpenFiles of the first: ${first}, before ${second}`, async () => {
      const session = here({ maxOpenFiles: first });
      const thread = await start({ maxOpenFiles: second });
      const left = first - STREAMS - PREOPENS;
      for (let i = 0; i < left; i++) await thread.call('open', `file ${i}`);
      assert.equal(await thread.call('tryOpen', 'more'), ERRNO.MFILE);
      assert.equal(session.tryOpen('more'), ERRNO.MFILE);
    });
  }

  // Runs in a process with an exposed collector. Returns the memory left by `COUNT`
  // guests, in MiB: before a turn of the event loop, and after some.
  async function leaveMemories(isClosed) {
    const { setImmediate } = require('node:timers/promises');
    const { WASI } = require('../..');
    const PAGES = 64; // 4 MiB
    const COUNT = 40;

    function leave() {
      const wasm = { initial: PAGES, maximum: PAGES, shared: true };
      const memory = new WebAssembly.Memory(wasm);
      new Uint8Array(memory.buffer).fill(1);
      const wasi = new WASI({ version: 'preview1' });
      wasi.finalizeBindings({ exports: {} }, { memory });
      if (isClosed) wasi.close();
    }
    leave();
    globalThis.gc();
    const { rss } = process.memoryUsage;
    const before = rss();
    for (let i = 0; i < COUNT; i++) {
      leave();
      globalThis.gc();
    }
    const atOnce = rss() - before;
    for (let i = 0; i < 10; i++) {
      globalThis.gc();
      await setImmediate();
    }
    return [atOnce, rss() - before].map((bytes) => bytes / 2 ** 20);
  }

  const ALL = 160; // MiB

  it('lets go of the memory with the last close()', () => {
    const [atOnce] = resultInChild(leaveMemories, [true], ['--expose-gc']);
    assert.ok(atOnce < ALL / 4, `${atOnce} MiB`);
  });

  it('keeps the memory of dropped guests until a turn of the event loop', () => {
    const [atOnce, after] = resultInChild(
      leaveMemories,
      [false],
      ['--expose-gc'],
    );
    assert.ok(atOnce > (ALL * 3) / 4, `${atOnce} MiB`);
    assert.ok(after < ALL / 4, `${after} MiB`);
  });
});
