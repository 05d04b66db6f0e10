'use strict';

// What a guest passes, and what it is told: every check before the write.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const { createWrites, engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const {
  compile,
  importsFor,
  putIovs,
  u32,
  withWASI,
  withWrites,
} = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { RIGHTS, Session } = require('../helpers/session');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GUEST_FD = 3;
const NWRITTEN = 16;
const IOVS = 64;
const DATA = PAGE;
const GOOD = [
  [DATA, 10],
  [DATA + 20, 7],
  [DATA + 5, 3],
];
const MIB = 2 ** 20;
const GIB = 2 ** 30;

// What one call on a file writes at most: MAX_RW_COUNT of Linux.
const CALL_MAX = 0x7ffff000;

// Both calls with the same named arguments.
const CALLS = {
  fd_write: (guest, { fd, iovs, length, nwritten }) =>
    guest.fd_write(fd, iovs, length, nwritten),
  fd_pwrite: (guest, { fd, iovs, length, nwritten, offset }) =>
    guest.fd_pwrite(fd, iovs, length, offset, nwritten),
};

const hex = (value) => `0x${value.toString(16)}`;

/** `total` bytes as a list of buffers of `each` bytes, all at one place. */
function overlapping(total, each) {
  const list = Array(Math.floor(total / each)).fill([0, each]);
  return total % each === 0 ? list : [...list, [0, total % each]];
}

/** How many bytes of `total` one call puts on a stream that takes all. */
function atOnce(name, total) {
  // fd_pwrite is one system call, whatever the target.
  return name === 'fd_write' ? total : Math.min(total, CALL_MAX);
}

/** `count` buffers that neither touch nor stand in order. */
function scattered(count) {
  return Array.from({ length: count }, (_, i) => [
    DATA + 12 * (count - i),
    1 + (i % 11),
  ]);
}

for (const [name, call] of Object.entries(CALLS)) {
  describe(`The checks of ${name}`, () => {
    const host = useHostFiles();
    let file;
    let guest;
    let memory;
    let writes;

    beforeEach(() => {
      file = host.open('file', 'w+');
      ({ guest, memory, writes } = withWrites({ fds: { [GUEST_FD]: file } }));
      new Uint8Array(memory.buffer).set(pattern(SIZE));
    });

    // One call. What it may change in the guest is checked here: nothing when
    // it fails, and nothing but nwritten when it succeeds.
    function attempt({
      list = GOOD,
      fd = GUEST_FD,
      iovs = IOVS,
      length = list.length,
      nwritten = NWRITTEN,
      offset = 0n,
    }) {
      if (iovs + 8 * list.length <= memory.buffer.byteLength) {
        putIovs(memory, iovs, list);
      }
      const expected = Buffer.from(memory.buffer.slice(0));
      const errno = call(guest, { fd, iovs, length, nwritten, offset });
      if (errno === ERRNO.SUCCESS) {
        expected.writeUInt32LE(u32(memory, nwritten), nwritten);
      }
      assertSameBytes(Buffer.from(memory.buffer), expected);
      return errno;
    }

    function assertWrites(options) {
      const { list = GOOD, iovs = IOVS } = options;
      putIovs(memory, iovs, list);
      const expected = Buffer.concat(
        list.map(([pointer, length]) =>
          Buffer.from(memory.buffer.slice(pointer, pointer + length)),
        ),
      );
      assert.equal(attempt(options), ERRNO.SUCCESS);
      assert.equal(u32(memory, options.nwritten ?? NWRITTEN), expected.length);
      assertSameBytes(fs.readFileSync(host.path('file')), expected);
    }

    // The write that follows shows that the guest can go on, and that nothing
    // stood before it in the file.
    function assertRefuses(errno, ...refused) {
      for (const options of refused) assert.equal(attempt(options), errno);
      assert.equal(fs.fstatSync(file).size, 0);
      assertWrites({});
    }

    for (const nwritten of [
      SIZE - 3,
      SIZE - 1,
      SIZE,
      SIZE + 1,
      0x7fffffff,
      0x80000000,
      0x80000010,
      0xfffffffc,
      0xfffffffd,
      0xffffffff,
    ]) {
      it(`gives FAULT for nwritten at ${hex(nwritten)}`, () => {
        assertRefuses(ERRNO.FAULT, { nwritten });
      });

      it(`gives FAULT for nwritten at ${hex(nwritten)} and no buffers`, () => {
        assertRefuses(ERRNO.FAULT, { nwritten, length: 0 });
      });
    }

    for (const [iovs, length] of [
      [SIZE - 7, 1],
      [SIZE - 15, 2],
      [SIZE - 1, 1],
      [SIZE, 1],
      [SIZE + 1, 0],
      [0x7fffffff, 1],
      [0x80000000, 1],
      [0x80000040, 3],
      [0xfffffff8, 1],
      [0xfffffff8, 2],
      [0xffffffff, 1],
    ]) {
      it(`gives FAULT for a list of ${length} at ${hex(iovs)}`, () => {
        assertRefuses(ERRNO.FAULT, { iovs, length });
      });
    }

    for (const length of [0x1fffffff, 0x20000000, 0x20000001, 0xffffffff]) {
      for (const iovs of [0, IOVS, SIZE - 8, SIZE]) {
        it(`gives FAULT for a list of ${hex(length)} at ${hex(iovs)}`, () => {
          assertRefuses(ERRNO.FAULT, { iovs, length });
        });
      }
    }

    for (const bad of [
      [SIZE - 9, 10],
      [SIZE - 1, 2],
      [SIZE, 1],
      [0, SIZE + 1],
      [0, 0xffffffff],
      [0x7fffffff, 1],
      [0x80000000, 1],
      [0x80000000 + DATA, 10],
      [0xffffffff, 1],
      [0xffffffff, 2],
      [DATA, 0x100000000 - DATA],
      [DATA, 0x100000010 - DATA],
    ]) {
      const buffer = `a buffer of ${hex(bad[1])} bytes at ${hex(bad[0])}`;

      it(`gives FAULT for ${buffer}, alone`, () => {
        assertRefuses(ERRNO.FAULT, { list: [bad] });
      });

      it(`gives FAULT for ${buffer}, the first of several`, () => {
        assertRefuses(ERRNO.FAULT, { list: [bad, ...GOOD] });
      });

      it(`gives FAULT for ${buffer}, the last of several`, () => {
        assertRefuses(ERRNO.FAULT, { list: [...GOOD, bad] });
      });
    }

    it('gives FAULT for a bad buffer at the end of 5,000', () => {
      const list = [...scattered(4999), [SIZE - 3, 4]];
      assertRefuses(ERRNO.FAULT, { list });
    });

    it('writes a buffer that is all of the memory', () => {
      assertWrites({ list: [[0, SIZE]], iovs: SIZE - 8 });
    });

    it('takes buffer, list and nwritten from the very end', () => {
      assertWrites({ list: [[SIZE - 10, 10]] });
      fs.ftruncateSync(file);
      assert.equal(attempt({ list: [], iovs: SIZE }), ERRNO.SUCCESS);
      assert.equal(u32(memory, NWRITTEN), 0);
      assert.equal(attempt({ nwritten: SIZE - 4 }), ERRNO.SUCCESS);
      assert.equal(u32(memory, SIZE - 4), 20);
    });

    it('takes list and nwritten from any alignment', () => {
      assertWrites({ iovs: IOVS + 1, nwritten: NWRITTEN + 3 });
    });

    it('stores nwritten after the bytes are out', () => {
      assertWrites({ nwritten: DATA });
    });

    it('stores nwritten over the list itself', () => {
      assertWrites({ nwritten: IOVS });
    });

    for (const length of [0, 1, 2, 1023, 1024, 1025, 5000]) {
      it(`writes a list of ${length}`, () => {
        assertWrites({ list: scattered(length), iovs: 64 });
      });

      it(`writes nothing for a list of ${length} empty buffers`, () => {
        assertWrites({ list: Array(length).fill([DATA, 0]) });
      });
    }

    it('does not look at the pointer of an empty buffer', () => {
      const list = [
        [0xffffffff, 0],
        ...GOOD,
        [0x80000000, 0],
        [SIZE + 1, 0],
        [DATA, 4],
      ];
      assertWrites({ list });
    });

    it('finds the data behind 5,000 empty buffers', () => {
      assertWrites({ list: [...Array(5000).fill([SIZE, 0]), ...GOOD] });
    });

    it('gives INVAL for lengths that add up to 2^32 and over', () => {
      memory.grow(62);
      const list = overlapping(4 * GIB, 4 * MIB - PAGE);
      assertRefuses(
        ERRNO.INVAL,
        { list },
        { list: [...list, [DATA, 1]] },
        { list: [...list, ...list] },
      );
    });

    it('gives FAULT for a bad buffer in lengths of 2^32 and over', () => {
      memory.grow(62);
      const list = overlapping(4 * GIB, 4 * MIB - PAGE);
      assertRefuses(ERRNO.FAULT, { list: [...list, [0x80000000, 1]] });
    });

    for (const total of [2 * GIB, 4 * GIB - 1]) {
      it(`writes ${hex(total)} bytes to a stream in one call`, () => {
        memory.grow(62);
        writes.map(GUEST_FD, host.open(os.devNull, 'w'));
        const list = overlapping(total, 4 * MIB - PAGE);
        assert.equal(attempt({ list }), ERRNO.SUCCESS);
        assert.equal(u32(memory, NWRITTEN), atOnce(name, total));
      });
    }

    it('writes 2^31 bytes to a file as a short count of 0x7ffff000', () => {
      memory.grow(1022);
      // What counts is what the descriptor was when it was mapped. /dev/null
      // takes its number then, so that nobody has to store 2 GiB.
      host.close(file);
      assert.equal(host.open(os.devNull, 'w'), file);
      const list = overlapping(2 * GIB, 64 * MIB);
      assert.equal(attempt({ list }), ERRNO.SUCCESS);
      assert.equal(u32(memory, NWRITTEN), CALL_MAX);
    });

    for (const fd of [
      0,
      1,
      2,
      4,
      8,
      1000,
      2 ** 20 - 1,
      2 ** 20,
      2 ** 20 + 3,
      0x7fffffff,
      0x80000003,
      0xffffffff,
    ]) {
      it(`gives BADF for fd ${hex(fd)}, which is not mapped`, () => {
        assertRefuses(
          ERRNO.BADF,
          { fd },
          { fd, list: [] },
          { fd, nwritten: SIZE, iovs: SIZE + 1 },
        );
      });
    }

    it('gives BADF for the number of the host descriptor', () => {
      // Any number but that of the guest.
      while (file === GUEST_FD) file = host.open('file', 'w+');
      writes.map(GUEST_FD, file);
      assertRefuses(ERRNO.BADF, { fd: file });
    });

    it('checks pointers before it asks the host', () => {
      writes.map(4, host.open(os.devNull, 'r'));
      writes.map(5, 0x7fffffff);
      for (const fd of [4, 5]) {
        assert.equal(attempt({ fd, nwritten: SIZE }), ERRNO.FAULT);
        assert.equal(attempt({ fd, iovs: SIZE }), ERRNO.FAULT);
        assert.equal(attempt({ fd, list: [...GOOD, [SIZE, 1]] }), ERRNO.FAULT);
      }
    });

    it('checks the sum of lengths before it asks the host', () => {
      memory.grow(62);
      writes.map(5, 0x7fffffff);
      const list = overlapping(4 * GIB, 4 * MIB - PAGE);
      assertRefuses(ERRNO.INVAL, { fd: 5, list });
    });

    it('gives BADF for a host descriptor that is closed', () => {
      writes.map(5, 0x7fffffff);
      assertRefuses(
        ERRNO.BADF,
        { fd: 5 },
        { fd: 5, list: [] },
        { fd: 5, list: [[DATA, 0]] },
      );
    });

    it('goes on after hundreds of failures of each kind', () => {
      for (let i = 0; i < 300; i++) {
        assert.equal(attempt({ fd: 9 }), ERRNO.BADF);
        assert.equal(attempt({ nwritten: SIZE }), ERRNO.FAULT);
        assert.equal(attempt({ length: 0x20000000 }), ERRNO.FAULT);
      }
      assertWrites({});
    });

    it('gives FAULT as long as there is no memory', () => {
      const unset = createWrites({ fds: { [GUEST_FD]: file } });
      const { exports } = new WebAssembly.Instance(
        compile('calls'),
        importsFor(compile('calls'), unset.wasiImport),
      );
      const good = { fd: GUEST_FD, iovs: IOVS, length: 1, nwritten: NWRITTEN };
      putIovs(exports.memory, IOVS, [[DATA, 4]]);
      assert.equal(call(exports, { ...good, offset: 0n }), ERRNO.FAULT);
      assert.equal(fs.fstatSync(file).size, 0);
      unset.setMemory(exports.memory);
      assert.equal(call(exports, { ...good, offset: 0n }), ERRNO.SUCCESS);
      assert.equal(u32(exports.memory, NWRITTEN), 4);
    });
  });

  describe(`The checks of ${name} called from JS`, () => {
    const host = useHostFiles();
    const good = {
      fd: GUEST_FD,
      iovs: IOVS,
      length: GOOD.length,
      offset: 0n,
      nwritten: NWRITTEN,
    };

    for (const parameter of Object.keys(good)) {
      if (parameter === 'offset' && name === 'fd_write') continue;
      const wrong = [
        undefined,
        null,
        true,
        '16',
        {},
        [16],
        Symbol('16'),
        parameter === 'offset' ? 16 : 16n,
      ];

      for (const value of wrong) {
        it(`gives INVAL for ${typeof value} ${String(value)} as ${parameter}`, () => {
          const file = host.open('file', 'w+');
          const { memory, writes } = withWrites({ fds: { [GUEST_FD]: file } });
          putIovs(memory, IOVS, GOOD);
          const before = Buffer.from(memory.buffer.slice(0));
          assert.equal(
            call(writes, { ...good, [parameter]: value }),
            ERRNO.INVAL,
          );
          assertSameBytes(Buffer.from(memory.buffer), before);
          assert.equal(fs.fstatSync(file).size, 0);
          assert.equal(call(writes, good), ERRNO.SUCCESS);
          assert.equal(fs.fstatSync(file).size, 20);
        });
      }
    }

    it('gives INVAL for no arguments at all', () => {
      const { writes } = withWrites({ fds: {} });
      assert.equal(writes[name](), ERRNO.INVAL);
    });

    it('takes pointers as wasm passes them, signed', () => {
      const file = host.open('file', 'w+');
      const { writes } = withWrites({ fds: { [GUEST_FD]: file } });
      assert.equal(call(writes, { ...good, fd: -1 }), ERRNO.BADF);
      for (const parameter of ['iovs', 'length', 'nwritten']) {
        assert.equal(call(writes, { ...good, [parameter]: -1 }), ERRNO.FAULT);
      }
      assert.equal(fs.fstatSync(file).size, 0);
    });
  });

  describe(`The checks of ${name} under WASI`, () => {
    const host = useHostFiles();
    const bad = {
      iovs: SIZE,
      length: 0xffffffff,
      nwritten: SIZE,
      offset: 2n ** 63n,
    };

    it('gives NOTCAPABLE without the right, before it looks further', () => {
      const stdout = host.open('file', 'w+');
      const { guest, memory } = withWASI({ stdout });
      // fd_pwrite needs the right to seek as well.
      const rights = name === 'fd_write' ? RIGHTS.FD_SEEK : RIGHTS.FD_WRITE;
      assert.equal(guest.fd_fdstat_set_rights(1, rights, 0n), ERRNO.SUCCESS);
      const before = Buffer.from(memory.buffer.slice(0));
      assert.equal(call(guest, { ...bad, fd: 1 }), ERRNO.NOTCAPABLE);
      const none = { iovs: 0, length: 0, nwritten: 0, offset: 0n };
      assert.equal(call(guest, { ...none, fd: 1 }), ERRNO.NOTCAPABLE);
      assertSameBytes(Buffer.from(memory.buffer), before);
      assert.equal(fs.fstatSync(stdout).size, 0);
    });

    it('gives BADF for an fd that is not open, before it looks further', () => {
      const { guest } = withWASI();
      for (const fd of [3, 100, 0x80000001, 0xffffffff]) {
        assert.equal(call(guest, { ...bad, fd }), ERRNO.BADF);
      }
      const list = { iovs: IOVS, length: 2, nwritten: NWRITTEN, offset: 0n };
      putIovs(guest.memory, IOVS, [
        [DATA, 1],
        [SIZE, 0],
      ]);
      assert.equal(call(guest, { ...list, fd: 3 }), ERRNO.BADF);
    });

    it('does not look at the pointer of an empty buffer, in a file that the guest opened', () => {
      const started = withWASI({ preopens: { '/': host.path('.') } });
      const { guest, memory, wasi } = started;
      const fd = new Session(started).open('file');
      const data = pattern(10);
      new Uint8Array(memory.buffer).set(data, DATA);
      const strays = [
        [SIZE, 0],
        [0xffffffff, 0],
      ];
      const write = (offset, ...list) => {
        putIovs(memory, IOVS, list);
        const target = { fd, offset: BigInt(offset), nwritten: NWRITTEN };
        assert.equal(
          call(guest, { ...target, iovs: IOVS, length: list.length }),
          ERRNO.SUCCESS,
        );
        return u32(memory, NWRITTEN);
      };
      assert.equal(write(0, ...strays), 0);
      // Where Node writes the file, the count may be short.
      const done = write(0, ...strays, [DATA, 6], ...strays, [DATA + 6, 4]);
      assert.ok(done === 10 || done === 6, `${done} bytes`);
      if (done < 10) assert.equal(write(done, ...strays, [DATA + done, 4]), 4);
      assertSameBytes(fs.readFileSync(host.path('file')), data);
      wasi.close();
    });
  });
}

describe('The checks of both calls in 4 GiB', () => {
  const host = useHostFiles();
  const SENTINEL = 0xfeedface;
  let file;
  let guest;
  let memory;
  let writes;

  // One for all tests: to make and to drop it takes the system a while.
  before(() => {
    ({ guest, memory, writes } = withWrites({ fds: {} }, 'calls-4gib'));
  });

  after(() => {
    guest = memory = writes = undefined;
  });

  beforeEach(() => {
    file = host.open('file', 'w+');
    writes.map(GUEST_FD, file);
    new Uint8Array(memory.buffer).fill(0, 0, DATA);
  });

  const attempt = (call, { iovs = IOVS, length = 1, nwritten }) =>
    call(guest, { fd: GUEST_FD, iovs, length, nwritten, offset: 0n });

  function assertRefuses(call, options, errno) {
    new DataView(memory.buffer).setUint32(NWRITTEN, SENTINEL, true);
    assert.equal(attempt(call, { nwritten: NWRITTEN, ...options }), errno);
    assert.equal(u32(memory, NWRITTEN), SENTINEL);
    assert.equal(fs.fstatSync(file).size, 0);
  }

  function assertTakes(call, options, count) {
    const { nwritten = NWRITTEN } = options;
    assert.equal(attempt(call, { ...options, nwritten }), ERRNO.SUCCESS);
    assert.equal(u32(memory, nwritten), count);
  }

  it('fd_write finds the one buffer at the end of a list of 4 GiB', () => {
    const last = 4 * GIB - 8;
    putIovs(memory, last, [[last, 8]]);
    const expected = Buffer.from(memory.buffer.slice(last));
    // In the list this word is the pointer of an empty buffer.
    const nwritten = 0x80000000;
    const list = { iovs: 0, length: 0x20000000, nwritten };
    assertTakes(CALLS.fd_write, list, 8);
    assertSameBytes(fs.readFileSync(host.path('file')), expected);
  });

  for (const [name, call] of Object.entries(CALLS)) {
    for (const [iovs, length] of [
      [16, 0x1fffffff],
      [9, 0x1fffffff],
      [8, 0x20000000],
      [1, 0x20000000],
      [0, 0x20000001],
      [0, 0xffffffff],
      [0xfffffff8, 2],
      [0xfffffff9, 1],
    ]) {
      it(`${name} gives FAULT for a list of ${hex(length)} at ${hex(iovs)}`, () =>
        assertRefuses(call, { iovs, length }, ERRNO.FAULT));
    }

    for (const [pointer, length] of [
      [2, 0xffffffff],
      [0xffffffff, 2],
      [0x80000000, 0x80000001],
    ]) {
      it(`${name} gives FAULT for ${hex(length)} bytes at ${hex(pointer)}`, () => {
        putIovs(memory, IOVS, [[pointer, length]]);
        assertRefuses(call, {}, ERRNO.FAULT);
      });
    }

    it(`${name} gives FAULT for nwritten over the end by a byte`, () => {
      putIovs(memory, IOVS, [[DATA, 1]]);
      assertRefuses(call, { nwritten: 0xfffffffd }, ERRNO.FAULT);
      assertTakes(call, { nwritten: 0xfffffffc }, 1);
    });

    for (const [pointer, length] of [
      [0x80000000, 0x80000000],
      [1, 0xffffffff],
    ]) {
      it(`${name} takes ${hex(length)} bytes at ${hex(pointer)}`, () => {
        writes.map(GUEST_FD, host.open(os.devNull, 'w'));
        putIovs(memory, IOVS, [[pointer, length]]);
        assertTakes(call, {}, atOnce(name, length));
      });
    }

    it(`${name} gives INVAL for two buffers that add up to 2^32`, () => {
      putIovs(memory, IOVS, [
        [0, 0x80000000],
        [0x80000000, 0x80000000],
      ]);
      assertRefuses(call, { length: 2 }, ERRNO.INVAL);
    });
  }
});

describe('The offset of fd_pwrite', () => {
  const host = useHostFiles();
  let file;
  let guest;
  let memory;
  let writes;

  beforeEach(() => {
    file = host.open('file', 'w+');
    ({ guest, memory, writes } = withWrites({ fds: { [GUEST_FD]: file } }));
    putIovs(memory, IOVS, GOOD);
    new Uint8Array(memory.buffer).set(pattern(64), DATA);
  });

  const pwrite = (offset, { fd = GUEST_FD, length = 3, nwritten } = {}) =>
    guest.fd_pwrite(fd, IOVS, length, offset, nwritten ?? NWRITTEN);

  const expected = () => {
    const data = Buffer.from(memory.buffer, DATA);
    return Buffer.concat(
      GOOD.map(([pointer, length]) =>
        data.subarray(pointer - DATA).subarray(0, length),
      ),
    );
  };

  /** The size of the file, exact. */
  const size = () => fs.fstatSync(file, { bigint: true }).size;

  for (const offset of [0n, 1n, 4096n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 1n]) {
    it(`is where the bytes go: ${offset}`, () => {
      assert.equal(pwrite(offset), ERRNO.SUCCESS);
      assert.equal(u32(memory, NWRITTEN), 20);
      assert.equal(size(), offset + 20n);
      const bytes = Buffer.alloc(20);
      assert.equal(fs.readSync(file, bytes, 0, 20, Number(offset)), 20);
      assertSameBytes(bytes, expected());
    });
  }

  // A file system that has such files gets the bytes at the very place; any
  // other says FBIG. The fallback cannot name an odd offset above 2^53.
  for (const offset of [2n ** 53n - 21n, 2n ** 53n + 1n, 2n ** 62n + 1n]) {
    it(`is never rounded: ${offset}`, () => {
      const errno = pwrite(offset);
      if (errno === ERRNO.SUCCESS) {
        assert.equal(size(), offset + 20n);
      } else {
        assert.equal(errno, ERRNO.FBIG);
        assert.equal(size(), 0n);
        assert.equal(u32(memory, NWRITTEN), 0);
      }
    });
  }

  it('may be 2^63 - 1, which no write fits behind', () => {
    assert.equal(
      pwrite(2n ** 63n - 1n),
      engine === 'native' ? ERRNO.INVAL : ERRNO.FBIG,
    );
    assert.equal(size(), 0n);
    assert.equal(u32(memory, NWRITTEN), 0);
  });

  it('may be 2^63 - 1 for no bytes at all', function () {
    if (engine === 'fallback') this.skip(); // no doubles that large
    assert.equal(pwrite(2n ** 63n - 1n, { length: 0 }), ERRNO.SUCCESS);
  });

  for (const offset of [2n ** 63n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
    it(`gives INVAL when it is ${offset}`, () => {
      assert.equal(pwrite(offset), ERRNO.INVAL);
      assert.equal(pwrite(offset, { length: 0 }), ERRNO.INVAL);
      assert.equal(size(), 0n);
      assert.equal(u32(memory, NWRITTEN), 0);
      assert.equal(pwrite(0n), ERRNO.SUCCESS);
      assert.equal(size(), 20n);
    });
  }

  it('gives INVAL from 2^63 on for a file that the guest opened', () => {
    const started = withWASI({ preopens: { '/': host.path('.') } });
    const session = new Session(started);
    const fd = session.open('opened');
    for (const offset of [2n ** 63n, 2n ** 64n - 1n]) {
      assert.equal(session.tryPwrite(fd, 'bytes', offset), ERRNO.INVAL);
    }
    assert.equal(fs.statSync(host.path('opened')).size, 0);
    started.wasi.close();
  });

  it('is looked at after pointers and before the host', () => {
    writes.map(5, 0x7fffffff);
    assert.equal(pwrite(2n ** 63n, { nwritten: SIZE }), ERRNO.FAULT);
    assert.equal(pwrite(2n ** 63n, { length: 0xffffffff }), ERRNO.FAULT);
    assert.equal(pwrite(2n ** 63n, { fd: 5 }), ERRNO.INVAL);
    assert.equal(pwrite(2n ** 63n, { fd: 6 }), ERRNO.BADF);
  });
});
