'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { WASI, createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const {
  compile,
  importsFor,
  putBytes,
  putIovs,
  u32,
} = require('../helpers/guest');
const { PREOPEN, Session } = require('../helpers/session');
const { symbolOf } = require('../helpers/symbols');
const { useTempDir } = require('../helpers/temp');

const PAGE = 65536;
const GIB = 2 ** 30;
const STDOUT = 1;

// Node 26 has toResizableBuffer(); below that these are skipped.
const itResizable =
  'toResizableBuffer' in WebAssembly.Memory.prototype ? it : it.skip;

// Each host gives a guest whose stdout is the host descriptor `stdout`. Its
// memory is `memory` where that is given, else the one that it exports.
const HOSTS = {
  WASI(stdout, name, memory) {
    const wasi = new WASI({ version: 'preview1', stdin: stdout, stdout });
    const { exports } = new WebAssembly.Instance(compile(name), {
      ...wasi.getImportObject(),
      env: { memory },
    });
    wasi.finalizeBindings({ exports }, memory && { memory });
    return { guest: exports, memory: memory ?? exports.memory, wasi };
  },

  createWrites(stdout, name, memory) {
    const writes = createWrites({ fds: { [STDOUT]: stdout } });
    const module = compile(name);
    const { exports } = new WebAssembly.Instance(
      module,
      importsFor(module, writes.wasiImport, { env: { memory } }),
    );
    memory ??= exports.memory;
    writes.setMemory(memory);
    return { guest: exports, memory };
  },
};

// fd_pwrite is told where the file ends.
const CALLS = {
  fd_write: (guest, count, iovs, nwritten) =>
    guest.fd_write(STDOUT, iovs, count, nwritten),
  fd_pwrite: (guest, count, iovs, nwritten, offset) =>
    guest.fd_pwrite(STDOUT, iovs, count, BigInt(offset), nwritten),
};

// Where a test puts what: all at once, or one of them alone, in the new part of
// a memory that has grown to `end` bytes.
const OLD = { data: 4096, iovs: 2048, nwritten: 1024 };
const NEW_PARTS = {
  'the bytes': (end) => ({ ...OLD, data: end - 1024 }),
  'the list': (end) => ({ ...OLD, iovs: end - 1024 }),
  nwritten: (end) => ({ ...OLD, nwritten: end - 4 }),
  everything: (end) => ({
    data: end - 1024,
    iovs: end - 512,
    nwritten: end - 4,
  }),
};

for (const [hostName, start] of Object.entries(HOSTS)) {
  for (const [callName, call] of Object.entries(CALLS)) {
    describe(`memory: ${callName} of ${hostName}`, () => {
      const dir = useTempDir();
      let out;
      let expected;

      beforeEach(() => {
        out = fs.openSync(dir.path('out'), 'w+');
        expected = '';
      });
      afterEach(() => fs.closeSync(out));

      // Calls with what is in memory, and checks that `text` arrived.
      function arrives({ guest, memory }, text, { iovs, nwritten }) {
        assert.equal(
          call(guest, 1, iovs, nwritten, expected.length),
          ERRNO.SUCCESS,
        );
        assert.equal(u32(memory, nwritten), text.length);
        expected += text;
        assert.equal(dir.read('out'), expected);
      }

      function writes(started, text, places = OLD) {
        const length = putBytes(started.memory, places.data, text);
        putIovs(started.memory, places.iovs, [[places.data, length]]);
        arrives(started, text, places);
      }

      function faults({ guest }, { iovs, nwritten }) {
        assert.equal(
          call(guest, 1, iovs, nwritten, expected.length),
          ERRNO.FAULT,
        );
        assert.equal(dir.read('out'), expected);
      }

      const growers = {
        'the guest': ({ guest }, pages) => guest.grow(pages),
        'the host': ({ memory }, pages) => memory.grow(pages),
      };
      for (const [grower, grow] of Object.entries(growers)) {
        it(`writes on after ${grower} has grown the memory`, () => {
          const started = start(out, 'calls');
          writes(started, 'before ');
          for (const [name, places] of Object.entries(NEW_PARTS)) {
            assert.notEqual(grow(started, 1), -1);
            writes(
              started,
              `${name} `,
              places(started.memory.buffer.byteLength),
            );
          }
        });
      }

      it('writes on after a growth by no page, which detaches the buffer', () => {
        const started = start(out, 'calls');
        writes(started, 'before ');
        const { buffer } = started.memory;
        started.memory.grow(0);
        assert.equal(buffer.byteLength, 0);
        writes(started, 'after');
      });

      it('refuses what is still out of bounds after a growth', () => {
        const started = start(out, 'calls');
        writes(started, 'before');
        started.memory.grow(1);
        const end = started.memory.buffer.byteLength;
        faults(started, { ...OLD, nwritten: end - 3 });
        faults(started, { ...OLD, iovs: end - 7 });
        putIovs(started.memory, OLD.iovs, [[end - 5, 6]]);
        faults(started, OLD);
      });

      it('writes from a memory that the host brings, with no maximum', () => {
        const memory = new WebAssembly.Memory({ initial: 1 });
        const started = start(out, 'calls-imported-memory', memory);
        writes(started, 'before ');
        memory.grow(1);
        writes(started, 'after', NEW_PARTS.everything(2 * PAGE));
      });

      it('writes from a memory that the host brings, with a maximum', () => {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
        const started = start(out, 'calls-imported-memory', memory);
        writes(started, 'before ');
        memory.grow(1);
        assert.throws(() => memory.grow(1), RangeError);
        writes(started, 'after', NEW_PARTS.everything(2 * PAGE));
      });

      it('writes from a memory of 4 GiB with pointers above 2 GiB', () => {
        const started = start(out, 'calls-4gib');
        for (const end of [2 * GIB, 2 * GIB + PAGE, 3 * GIB, 4 * GIB]) {
          writes(started, `below ${end} `, NEW_PARTS.everything(end));
        }
      });

      it('writes from both sides of 2 GiB at once', () => {
        const started = start(out, 'calls-4gib');
        writes(started, 'the middle', { ...OLD, data: 2 * GIB - 5 });
        writes(started, 'the list', { ...OLD, iovs: 2 * GIB - 4 });
      });

      it('writes the last byte of 4 GiB, and refuses the one after it', () => {
        const started = start(out, 'calls-4gib');
        const last = 4 * GIB - 1;
        writes(started, '$', { ...OLD, data: last });
        faults(started, { ...OLD, nwritten: 4 * GIB - 3 });
        faults(started, { ...OLD, iovs: 4 * GIB - 7 });
        putIovs(started.memory, OLD.iovs, [[last, 2]]);
        faults(started, OLD);
      });

      it('writes from a shared memory, and after its growth', () => {
        const memory = new WebAssembly.Memory({
          initial: 1,
          maximum: 65536,
          shared: true,
        });
        const started = start(out, 'calls-shared-memory', memory);
        writes(started, 'before ');
        const { buffer } = memory;
        for (const [i, places] of Object.values(NEW_PARTS).entries()) {
          started.guest.grow(1);
          writes(started, `growth ${i} `, places((i + 2) * PAGE));
        }
        // It grew in place: nothing was detached.
        assert.equal(buffer.byteLength, PAGE);
        faults(started, { ...OLD, nwritten: 5 * PAGE - 3 });
      });

      for (const [name, places] of Object.entries(NEW_PARTS)) {
        it(`sees ${name} where another thread has grown a shared memory`, async () => {
          const memory = new WebAssembly.Memory({
            initial: 1,
            maximum: 65536,
            shared: true,
          });
          const started = start(out, 'calls-shared-memory', memory);
          writes(started, 'before ');

          const text = 'by another thread';
          const at = places(2 * PAGE);
          await grownByThread(
            memory,
            [
              [at.data, Buffer.from(text)],
              [at.iovs, ciovec(at.data, text.length)],
            ],
            () => arrives(started, text, at),
          );
          faults(started, { ...at, nwritten: 2 * PAGE - 3 });
        });
      }

      for (const shared of [false, true]) {
        itResizable(
          `writes from a ${shared ? 'shared ' : ''}memory with a ` +
            'resizable buffer, and after its growth',
          () => {
            const memory = new WebAssembly.Memory({
              initial: 1,
              maximum: 65536,
              shared,
            });
            const started = start(
              out,
              shared ? 'calls-shared-memory' : 'calls-imported-memory',
              memory,
            );
            writes(started, 'fixed ');
            const buffer = memory.toResizableBuffer();
            writes(started, 'resizable ');
            for (const [i, places] of Object.values(NEW_PARTS).entries()) {
              started.guest.grow(1);
              assert.equal(buffer.byteLength, (i + 2) * PAGE);
              writes(started, `growth ${i} `, places((i + 2) * PAGE));
            }
            faults(started, { ...OLD, nwritten: 5 * PAGE - 3 });
            memory.toFixedLengthBuffer();
            writes(started, 'fixed again');
          },
        );
      }
    });
  }

  describe(`memory: ${hostName}`, () => {
    const dir = useTempDir();
    let out;

    beforeEach(() => {
      out = fs.openSync(dir.path('out'), 'w+');
    });
    afterEach(() => fs.closeSync(out));

    for (const [title, count, pages] of [
      ['62 MiB in steps of a page', 1000, 1],
      ['128 MiB in steps of 32 MiB', 4, 512],
    ]) {
      it(`writes each time while the guest grows its memory by ${title}`, () => {
        const { guest, memory } = start(out, 'calls');
        const before = memory.buffer.byteLength;
        putIovs(memory, OLD.iovs, [
          [OLD.data, putBytes(memory, OLD.data, 'x')],
        ]);
        assert.equal(
          guest.write_loop(STDOUT, OLD.iovs, 1, OLD.nwritten, count, pages),
          ERRNO.SUCCESS,
        );
        assert.equal(memory.buffer.byteLength, before + count * pages * PAGE);
        assert.equal(u32(memory, OLD.nwritten), 1);
        assert.equal(dir.read('out'), 'x'.repeat(count));
      });
    }
  });
}

function ciovec(pointer, length) {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(pointer, 0);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}

/**
 * Has another thread grow a shared memory by a page and put bytes in it, a list
 * of [pointer, bytes]. Then calls `then` in the same turn of the event loop, so
 * that nothing has told this thread of the growth.
 */
async function grownByThread(memory, puts, then) {
  const cell = 0;
  const state = new Int32Array(memory.buffer);
  const worker = new Worker(
    path.join(__dirname, '..', 'fixtures', 'grow-thread.js'),
    {
      workerData: { memory, cell, puts },
    },
  );
  await once(worker, 'online');
  Atomics.store(state, cell, 1);
  Atomics.notify(state, cell);
  Atomics.wait(state, cell, 1, 60000);
  assert.equal(Atomics.load(state, cell), 2);
  try {
    then();
  } finally {
    await once(worker, 'exit');
  }
}

describe('memory: how it reaches the host', () => {
  const dir = useTempDir();
  let out;

  beforeEach(() => {
    out = fs.openSync(dir.path('out'), 'w+');
  });
  afterEach(() => fs.closeSync(out));

  /** A guest with a memory of its own, and a text in it. */
  function guestOf(imports, text) {
    const { exports } = new WebAssembly.Instance(compile('calls'), imports);
    putIovs(exports.memory, OLD.iovs, [
      [OLD.data, putBytes(exports.memory, OLD.data, text)],
    ]);
    const write = () => exports.fd_write(STDOUT, OLD.iovs, 1, OLD.nwritten);
    return { exports, write };
  }

  const newWASI = () => new WASI({ version: 'preview1', stdout: out });

  function assertWrites(write, text) {
    const before = dir.read('out');
    assert.equal(write(), ERRNO.SUCCESS);
    assert.equal(dir.read('out'), before + text);
  }

  function assertFaults(write) {
    const before = dir.read('out');
    assert.equal(write(), ERRNO.FAULT);
    assert.equal(dir.read('out'), before);
  }

  const roads = {
    'start()': (wasi, exports) =>
      wasi.start({
        exports: { memory: exports.memory, _start() {} },
      }),
    'initialize()': (wasi, exports) => wasi.initialize({ exports }),
    'finalizeBindings()': (wasi, exports) => wasi.finalizeBindings({ exports }),
    'finalizeBindings() with the memory apart': (wasi, { memory }) =>
      wasi.finalizeBindings({ exports: {} }, { memory }),
    'finalizeBindings() with two memories, of which the one apart is meant': (
      wasi,
      { memory },
    ) =>
      wasi.finalizeBindings(
        {
          exports: { memory: new WebAssembly.Memory({ initial: 0 }) },
        },
        { memory },
      ),
    'the function under the symbol kSetMemory': (wasi, { memory }) =>
      wasi[symbolOf(wasi, 'kSetMemory')](memory),
    'that function, called without the WASI': (wasi, { memory }) => {
      const setMemory = wasi[symbolOf(wasi, 'kSetMemory')];
      setMemory(memory);
    },
  };
  for (const [road, hand] of Object.entries(roads)) {
    it(`writes from the memory that came by ${road}`, () => {
      const wasi = newWASI();
      const { exports, write } = guestOf(wasi.getImportObject(), 'text');
      assertFaults(write);
      hand(wasi, exports);
      assertWrites(write, 'text');
    });
  }

  it('writes from the memory within start()', () => {
    const wasi = newWASI();
    const { exports, write } = guestOf(wasi.getImportObject(), 'text');
    wasi.start({
      exports: {
        memory: exports.memory,
        _start: () => assertWrites(write, 'text'),
      },
    });
  });

  it('writes from the memory that kSetMemory was given last', () => {
    const wasi = newWASI();
    const first = guestOf(wasi.getImportObject(), 'first');
    const second = guestOf(wasi.getImportObject(), 'second');
    const setMemory = wasi[symbolOf(wasi, 'kSetMemory')];
    setMemory(first.exports.memory);
    assertWrites(second.write, 'first');
    setMemory(second.exports.memory);
    assertWrites(first.write, 'second');
  });

  const NO_MEMORIES = [
    undefined,
    null,
    1,
    {},
    new ArrayBuffer(8),
    Object.create(WebAssembly.Memory.prototype),
  ];

  it('keeps its memory when kSetMemory is given something else', () => {
    const wasi = newWASI();
    const { exports, write } = guestOf(wasi.getImportObject(), 'x');
    const setMemory = wasi[symbolOf(wasi, 'kSetMemory')];
    setMemory(exports.memory);
    for (const value of NO_MEMORIES) {
      assert.throws(() => setMemory(value), { code: 'ERR_INVALID_ARG_TYPE' });
      assertWrites(write, 'x');
    }
  });

  it('takes a memory after finalizeBindings() has refused another', () => {
    const wasi = newWASI();
    const { exports, write } = guestOf(wasi.getImportObject(), 'text');
    for (const memory of NO_MEMORIES) {
      if (memory === undefined) continue; // that of the exports
      assert.throws(() => wasi.finalizeBindings({ exports }, { memory }), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
    assertFaults(write);
    wasi.finalizeBindings({ exports });
    assertWrites(write, 'text');
  });

  it('writes from the memory that createWrites() or setMemory() was given last', () => {
    const none = { fd_write: () => assert.fail('not called') };
    const { memory: first } = guestOf(
      importsFor(compile('calls'), none),
      'first',
    ).exports;
    const { memory: second } = guestOf(
      importsFor(compile('calls'), none),
      'second',
    ).exports;

    const { fd_write, setMemory } = createWrites({
      fds: { [STDOUT]: out },
      memory: first,
    });
    const write = () => fd_write(STDOUT, OLD.iovs, 1, OLD.nwritten);
    assertWrites(write, 'first');
    setMemory(second);
    assertWrites(write, 'second');
    for (const value of NO_MEMORIES) {
      assert.throws(() => setMemory(value), { code: 'ERR_INVALID_ARG_TYPE' });
      assertWrites(write, 'second');
    }
  });

  it('refuses every write of createWrites() without a memory', () => {
    const { fd_write, fd_pwrite } = createWrites({ fds: { [STDOUT]: out } });
    assertFaults(() => fd_write(STDOUT, 0, 0, 0));
    assertFaults(() => fd_pwrite(STDOUT, 0, 0, 0n, 0));
  });

  for (const shared of [false, true]) {
    it(`waits for a ${shared ? 'shared ' : ''}memory of no pages to grow`, () => {
      const memory = new WebAssembly.Memory({ initial: 0, maximum: 1, shared });
      const { fd_write } = createWrites({ fds: { [STDOUT]: out }, memory });
      const write = () => fd_write(STDOUT, OLD.iovs, 1, OLD.nwritten);
      assertFaults(write);
      memory.grow(1);
      putIovs(memory, OLD.iovs, [
        [OLD.data, putBytes(memory, OLD.data, 'text')],
      ]);
      assertWrites(write, 'text');
    });
  }
});

describe('memory: the calls that stay with node:wasi', () => {
  const dir = useTempDir();
  let session;

  afterEach(() => session.close(PREOPEN));

  function start(name, memory) {
    const wasi = new WASI({
      version: 'preview1',
      preopens: { '/': dir.path('') },
    });
    const { exports } = new WebAssembly.Instance(compile(name), {
      ...wasi.getImportObject(),
      env: { memory },
    });
    wasi.finalizeBindings({ exports }, memory && { memory });
    session = new Session({ guest: exports, memory: memory ?? exports.memory });
  }

  const newMemory = (shared) =>
    new WebAssembly.Memory({ initial: 1, maximum: 65536, shared });

  function startResizable(shared) {
    const memory = newMemory(shared);
    memory.toResizableBuffer();
    start(shared ? 'calls-shared-memory' : 'calls-imported-memory', memory);
    return memory;
  }

  /** Opens, writes, reads and looks, with all of it at `base` and above. */
  function program(base, name) {
    const { guest, memory } = session;
    const at = new Session({ guest, memory }, base);
    const fd = at.open(name);
    assert.equal(at.write(fd, ['one, ', 'two']), 8);
    assert.equal(at.seek(fd, 5n), 5n);
    assert.equal(at.read(fd, 100), 'two');
    assert.equal(at.pwrite(fd, '1', 0n), 1);
    assert.equal(at.tell(fd), 8n);
    assert.equal(at.fdstat(fd).flags, 0);
    at.close(fd);
    assert.equal(dir.read(name), '1ne, two');
  }

  const growths = {
    'grew in the guest': [
      it,
      () => {
        start('calls');
        program(0, 'first');
        session.guest.grow(1);
      },
    ],
    'grew in the host': [
      it,
      () => {
        start('calls-imported-memory', newMemory(false));
        program(0, 'first');
        session.memory.grow(1);
      },
    ],
    'is shared and grew in the guest': [
      it,
      () => {
        start('calls-shared-memory', newMemory(true));
        program(0, 'first');
        session.guest.grow(1);
      },
    ],
    'has a resizable buffer and grew': [
      itResizable,
      () => {
        startResizable(false);
        program(0, 'first');
        session.guest.grow(1);
      },
    ],
    'is shared, has a growable buffer, and grew': [
      itResizable,
      () => {
        startResizable(true);
        program(0, 'first');
        session.guest.grow(1);
      },
    ],
  };
  for (const [growth, [test, grow]] of Object.entries(growths)) {
    test(`work with files in the new part of a memory that ${growth}`, () => {
      grow();
      program(session.memory.buffer.byteLength - PAGE, 'second');
    });
  }

  it('work with files in the part of a shared memory that another thread added', async () => {
    const memory = newMemory(true);
    start('calls-shared-memory', memory);
    program(0, 'first');
    await grownByThread(memory, [], () => program(PAGE, 'second'));
  });
});
