'use strict';

// The checks before a write, and the errno for each.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const { createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const {
  compile,
  importsFor,
  putIovs,
  u32,
  withWrites,
} = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { CALLS, GOOD, atOnce } = require('../helpers/check-calls');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GUEST_FD = 3;
const NWRITTEN = 16;
const IOVS = 64;
const DATA = PAGE;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

// The most that one call writes to a file: MAX_RW_COUNT of Linux.
const CALL_MAX = 0x7ffff000;

const hex = (value) => `0x${value.toString(16)}`;

/** `total` bytes as a list of buffers of `each` bytes, all at the same place. */
function overlapping(total, each) {
  const list = Array(Math.floor(total / each)).fill([0, each]);
  return total % each === 0 ? list : [...list, [0, total % each]];
}

/** `count` buffers, not adjacent and not in the order of the memory. */
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

    // Makes one call, and checks its changes in the guest: none if it fails, only
    // nwritten if it succeeds.
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

    // The next write shows that the guest can go on, and that the file was empty.
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

    it('finds the data after 5,000 empty buffers', () => {
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
      // The kind of a descriptor when it was mapped counts. /dev/null takes its
      // number here, so that nobody has to store 2 GiB.
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
      // Any number except the guest's.
      while (file === GUEST_FD) file = host.open('file', 'w+');
      writes.map(GUEST_FD, file);
      assertRefuses(ERRNO.BADF, { fd: file });
    });

    it('gives BADF before it looks at pointers and lengths', () => {
      memory.grow(62);
      writes.map(4, host.open(os.devNull, 'r'));
      writes.map(5, 0x7fffffff);
      const list = overlapping(4 * GIB, 4 * MIB - PAGE);
      assertRefuses(
        ERRNO.BADF,
        ...[4, 5].flatMap((fd) => [
          { fd, nwritten: SIZE },
          { fd, iovs: SIZE },
          { fd, list: [...GOOD, [SIZE, 1]] },
          { fd, list },
        ]),
      );
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
}
