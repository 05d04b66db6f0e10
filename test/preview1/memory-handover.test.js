'use strict';

// How the host gets a memory.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { WASI, createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { compile, importsFor, putBytes, putIovs } = require('../helpers/guest');
const { PREOPEN, Session } = require('../helpers/session');
const { symbolOf } = require('../helpers/symbols');
const { useTempDir } = require('../helpers/temp');
const { grownByThread } = require('../helpers/grown-by-thread');

const PAGE = 65536;
const STDOUT = 1;

// Node 26 has toResizableBuffer(); these are skipped below.
const itResizable =
  'toResizableBuffer' in WebAssembly.Memory.prototype ? it : it.skip;

// Where a test puts its data: all or one part of it is in the new part of a memory
// that has grown to `end` bytes.
const OLD = { data: 4096, iovs: 2048, nwritten: 1024 };

describe('memory: how it reaches the host', () => {
  const dir = useTempDir();
  let out;

  beforeEach(() => {
    out = fs.openSync(dir.path('out'), 'w+');
  });
  afterEach(() => fs.closeSync(out));

  /** A guest with its own memory, which contains a text. */
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

  // WASI reports it to the host, like Node's.
  function assertNotStarted(write) {
    const before = dir.read('out');
    assert.throws(write, { code: 'ERR_WASI_NOT_STARTED' });
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
      assertNotStarted(write);
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
      if (memory === undefined) continue; // exported instead
      assert.throws(() => wasi.finalizeBindings({ exports }, { memory }), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
    }
    assertNotStarted(write);
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

describe('memory: the calls about files', () => {
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

  /** Opens, writes, reads and stats, with all data at `base` and above. */
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
