'use strict';

// Every check before a write that is buffered: what is refused is not staged,
// and what is staged stays.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { putBytes, putIovs, u32 } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { MEMORY_KINDS, makeGuest } = require('../helpers/memory-kinds');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const FD = 3;
const OTHER = 4;

const NWRITTEN = 16;
const IOVS = 64;
const TEXT = 60_000;
const DATA = PAGE;
const GOOD = [
  [DATA, 10],
  [DATA + 20, 7],
  [DATA + 5, 3],
];

// Staged by a test before the call that it is about.
const STAGED = 'staged';

// Both calls with the same named arguments.
const CALLS = {
  fd_write: (guest, { fd, iovs, length, nwritten }) =>
    guest.fd_write(fd, iovs, length, nwritten),
  fd_pwrite: (guest, { fd, iovs, length, nwritten, offset }) =>
    guest.fd_pwrite(fd, iovs, length, offset, nwritten),
};

const itResizable =
  'toResizableBuffer' in WebAssembly.Memory.prototype ? it : it.skip;

const hex = (value) => `0x${value.toString(16)}`;

/** `total` bytes as a list of buffers of `each` bytes, all of them the same. */
function overlapping(total, each) {
  const list = Array(Math.floor(total / each)).fill([0, each]);
  return total % each === 0 ? list : [...list, [0, total % each]];
}

let guests = 0;

/** A guest with a file of its own on each of its two fds. */
class Buffered {
  #paths;

  constructor(host, kind, { bufferSize } = {}) {
    guests++;
    // No file is emptied, which would have the disk wait when it is closed.
    const names = [`${guests} of FD`, `${guests} of OTHER`];
    this.#paths = names.map((name) => host.path(name));
    this.hostFds = names.map((name) => host.open(name, 'wx+'));
    this.writes = createWrites({
      fds: { [FD]: this.hostFds[0], [OTHER]: this.hostFds[1] },
      buffered: true,
      bufferSize,
    });
    Object.assign(this, makeGuest(kind, this.writes.wasiImport));
    this.writes.setMemory(this.memory);
    new Uint8Array(this.memory.buffer).set(pattern(SIZE));
  }

  /** Sizes of the files of FD and OTHER. */
  sizes() {
    return this.#paths.map((file) => fs.statSync(file).size);
  }

  /** What is in the file of FD, or that of OTHER. */
  contents(fd = FD) {
    return fs.readFileSync(this.#paths[fd - FD]);
  }

  bytesOf(list) {
    return Buffer.concat(
      list.map(([pointer, length]) =>
        Buffer.from(this.memory.buffer.slice(pointer, pointer + length)),
      ),
    );
  }

  /** The errno of a call, which may change nothing but nwritten. */
  try(
    name,
    {
      list = GOOD,
      fd = FD,
      iovs = IOVS,
      length = list.length,
      nwritten = NWRITTEN,
      offset = 0n,
    },
  ) {
    const { guest, memory } = this;
    if (iovs + 8 * list.length <= memory.buffer.byteLength) {
      putIovs(memory, iovs, list);
    }
    const expected = Buffer.from(memory.buffer.slice(0));
    const errno = CALLS[name](guest, { fd, iovs, length, nwritten, offset });
    if (errno === ERRNO.SUCCESS) {
      expected.writeUInt32LE(u32(memory, nwritten), nwritten);
    }
    assertSameBytes(Buffer.from(memory.buffer), expected);
    return errno;
  }

  /** A call that succeeds. Returns the bytes. */
  write(name, options = {}) {
    const { list = GOOD, iovs = IOVS, nwritten = NWRITTEN } = options;
    putIovs(this.memory, iovs, list);
    const bytes = this.bytesOf(list);
    assert.equal(this.try(name, options), ERRNO.SUCCESS);
    assert.equal(u32(this.memory, nwritten), bytes.length);
    return bytes;
  }

  grow(pages) {
    assert.notEqual(this.guest.grow(pages), -1);
  }

  stage(name, fd) {
    const length = putBytes(this.memory, TEXT, STAGED);
    this.write(name, { fd, list: [[TEXT, length]] });
    assert.deepEqual(this.sizes(), [0, 0]);
  }
}

// What is staged before: where a call goes on behind it, and what the files are
// after a good one.
const STATES = {
  'nothing staged': {
    stage() {},
    offset: 0n,
    after: (good) => [good, ''],
  },
  'a write staged': {
    stage: (guest) => guest.stage('fd_write', FD),
    offset: 6n,
    after: (good) => [STAGED + good, ''],
  },
  'an fd_pwrite staged': {
    stage: (guest) => guest.stage('fd_pwrite', FD),
    offset: 6n,
    // fd_pwrite has not moved the offset.
    after: (good, name) => [name === 'fd_pwrite' ? STAGED + good : good, ''],
  },
  'a write of another fd staged': {
    stage: (guest) => guest.stage('fd_write', OTHER),
    offset: 0n,
    after: (good) => [good, STAGED],
  },
};

for (const kind of MEMORY_KINDS) {
  for (const name of Object.keys(CALLS)) {
    describe(`The checks of ${name}, buffered, with a memory that is ${kind}`, () => {
      const host = useHostFiles();

      // What is refused leaves all as it is, in any state. The call that
      // follows shows that the guest can go on, and that nothing was staged.
      function assertRefuses(errno, ...refused) {
        for (const [title, state] of Object.entries(STATES)) {
          const { stage, offset, after } = state;
          const guest = new Buffered(host, kind);
          stage(guest);
          for (const { grow = 0, ...options } of refused) {
            if (grow > 0) guest.grow(grow);
            assert.equal(guest.try(name, { offset, ...options }), errno, title);
            // An fd that is not ours is left to others: it has all flushed.
            if (options.fd !== undefined) continue;
            assert.deepEqual(guest.sizes(), [0, 0], title);
          }
          const good = guest.write(name, { offset }).toString('latin1');
          guest.writes.flush();
          assert.deepEqual(
            [FD, OTHER].map((fd) => guest.contents(fd).toString('latin1')),
            after(good, name),
            title,
          );
        }
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
        it(`give FAULT for nwritten at ${hex(nwritten)}`, () => {
          assertRefuses(ERRNO.FAULT, { nwritten }, { nwritten, length: 0 });
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
        [IOVS, 0x1fffffff],
        [IOVS, 0x20000000],
        [IOVS, 0x20000001],
        [IOVS, 0xffffffff],
        [0, 0x20000000],
        [SIZE - 8, 0x20000001],
        [SIZE, 0x20000000],
      ]) {
        it(`give FAULT for a list of ${hex(length)} at ${hex(iovs)}`, () => {
          assertRefuses(ERRNO.FAULT, { iovs, length });
        });
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
        [0xffffffff, 0xffffffff],
        [DATA, 0x100000000 - DATA],
        [DATA, 0x100000010 - DATA],
      ]) {
        it(`give FAULT for ${hex(bad[1])} bytes at ${hex(bad[0])}`, () => {
          assertRefuses(
            ERRNO.FAULT,
            { list: [bad] },
            { list: [bad, ...GOOD] },
            { list: [...GOOD, bad] },
            { list: [...GOOD, [0, 0], bad] },
          );
        });
      }

      it('give FAULT for a bad buffer behind more than fits', () => {
        const large = [DATA, PAGE];
        assertRefuses(
          ERRNO.FAULT,
          { list: [large, [SIZE, 1]] },
          { list: [large, large, [SIZE, 1]] },
        );
      });

      it('give INVAL for lengths that add up to 2^32 and over', () => {
        const each = 4 * MIB - PAGE;
        const list = overlapping(4 * GIB, each);
        assertRefuses(
          ERRNO.INVAL,
          { list, grow: 62 },
          // Modulo 2^32 this is little.
          { list: [...list, [DATA, 1]] },
          { list: [[DATA, 16], ...list] },
        );
        assertRefuses(ERRNO.FAULT, {
          list: [...list, [0x80000000, 1]],
          grow: 62,
        });
      });

      for (const fd of [
        0,
        1,
        5,
        1000,
        2 ** 20,
        2 ** 20 + FD,
        0x7fffffff,
        0x80000000,
        0x80000000 + FD,
        0xfffffffe,
        0xffffffff,
      ]) {
        it(`give BADF for fd ${hex(fd)}, which is not mapped`, () => {
          assertRefuses(
            ERRNO.BADF,
            { fd },
            { fd, list: [] },
            { fd, nwritten: SIZE, iovs: SIZE + 1 },
            { fd, offset: 2n ** 63n },
            { fd, offset: 2n ** 64n - 1n },
          );
          // Each with bytes staged.
          assertRefuses(ERRNO.BADF, { fd, offset: 2n ** 64n - 1n });
        });
      }

      if (name === 'fd_pwrite') {
        for (const offset of [
          2n ** 63n,
          2n ** 63n + 1n,
          2n ** 63n + 6n,
          2n ** 64n - 6n,
          2n ** 64n - 1n,
        ]) {
          it(`give INVAL for the offset ${hex(offset)}`, () => {
            assertRefuses(ERRNO.INVAL, { offset }, { offset, list: [] });
            assertRefuses(
              ERRNO.FAULT,
              { offset, nwritten: SIZE },
              { offset, length: 0xffffffff },
            );
          });
        }
      }

      // Each succeeds, and without a flush.
      function assertStages(options, { grow = 0 } = {}) {
        const guest = new Buffered(host, kind);
        guest.stage(name, FD);
        if (grow > 0) guest.grow(grow);
        const bytes = guest.write(name, { offset: 6n, ...options });
        assert.deepEqual(guest.sizes(), [0, 0]);
        guest.writes.flush();
        assertSameBytes(
          guest.contents(),
          Buffer.concat([Buffer.from(STAGED), bytes]),
        );
      }

      it('let pass what ends where the memory ends', () => {
        for (let length = 1; length <= 18; length++) {
          assertStages({ list: [[SIZE - length, length]] });
        }
        assertStages({
          list: [
            [DATA - 100, PAGE / 2],
            [SIZE - 300, 300],
          ],
        });
        assertStages({ iovs: SIZE - 8, list: [[DATA, 10]] });
        assertStages({ iovs: SIZE - 24 });
        assertStages({ nwritten: SIZE - 4 });
      });

      it('let pass any alignment', () => {
        for (let shift = 1; shift < 8; shift++) {
          assertStages({
            iovs: IOVS + shift,
            nwritten: NWRITTEN + shift,
            list: [
              [DATA + shift, 30],
              [DATA + 3 * shift, 5 * shift],
            ],
          });
        }
      });

      it('let pass nwritten over the data and over the list', () => {
        assertStages({ nwritten: DATA });
        assertStages({ nwritten: IOVS });
        assertStages({ nwritten: IOVS + 8 * GOOD.length - 4 });
      });

      it('do not look at the pointer of an empty buffer', () => {
        assertStages({
          list: [
            [0xffffffff, 0],
            ...GOOD,
            [0x80000000, 0],
            [SIZE + 1, 0],
            [DATA, 4],
          ],
        });
        assertStages({ list: [...Array(5000).fill([SIZE, 0]), ...GOOD] });
      });

      for (const place of ['list', 'buffer', 'nwritten', 'all']) {
        it(`find ${place} in the part by which the memory grew`, () => {
          const at = (wanted, grown, old) =>
            place === wanted || place === 'all' ? grown : old;
          assertStages(
            {
              iovs: at('list', SIZE + 64, IOVS),
              nwritten: at('nwritten', SIZE + 16, NWRITTEN),
              list: [
                [at('buffer', SIZE + 1000, DATA), 100],
                [DATA, 1],
              ],
            },
            { grow: 1 },
          );
        });
      }

      it('give FAULT behind the part by which the memory grew', () => {
        const end = SIZE + PAGE;
        assertRefuses(
          ERRNO.FAULT,
          { list: [[end - 4, 5]], grow: 1 },
          { nwritten: end - 3 },
          { iovs: end - 7, length: 1 },
        );
      });

      it('hold as the memory grows from call to call', () => {
        const guest = new Buffered(host, kind);
        const parts = [];
        let offset = 0n;
        for (let size = SIZE; size < SIZE + 20 * PAGE; size += PAGE) {
          const list = [[size + 8, 10]];
          assert.equal(guest.try(name, { list, offset }), ERRNO.FAULT);
          assert.equal(guest.guest.grow(1), size / PAGE);
          new Uint8Array(guest.memory.buffer).fill(size / PAGE, size);
          parts.push(guest.write(name, { list, offset }));
          offset += 10n;
        }
        assert.deepEqual(guest.sizes(), [0, 0]);
        guest.writes.flush();
        assertSameBytes(guest.contents(), Buffer.concat(parts));
      });

      it('let pass all that fits in a buffer, and no more', () => {
        // One that ends with a page of staging memory, and others.
        for (const bufferSize of [16, 17, 100, PAGE - 64, PAGE]) {
          for (const last of [1, 2, 3, 4, 7, 8, 9, 15]) {
            const guest = new Buffered(host, kind, { bufferSize });
            const parts = [
              [DATA, bufferSize - last],
              [DATA + 3, last],
            ];
            let offset = 0n;
            const bytes = parts.map((part) => {
              const written = guest.write(name, { list: [part], offset });
              offset += BigInt(written.length);
              return written;
            });
            assert.deepEqual(guest.sizes(), [0, 0]);
            bytes.push(guest.write(name, { list: [[DATA + 9, 1]], offset }));
            assert.deepEqual(guest.sizes(), [bufferSize, 0]);
            guest.writes.flush();
            assertSameBytes(guest.contents(), Buffer.concat(bytes));
          }
        }
      });
    });
  }
}

describe('The offset of fd_pwrite, buffered', () => {
  const host = useHostFiles();

  for (const start of [2n ** 31n, 2n ** 32n, 2n ** 32n + 2n ** 31n]) {
    it(`goes on over ${hex(start)}`, () => {
      const guest = new Buffered(host, 'exported');
      const parts = [];
      for (let offset = start - 20n; offset <= start; offset += 20n) {
        parts.push(guest.write('fd_pwrite', { offset }));
      }
      assert.deepEqual(guest.sizes(), [0, 0]);
      guest.writes.flush();
      assert.deepEqual(guest.sizes(), [Number(start) + 20, 0]);
      const bytes = Buffer.alloc(40);
      fs.readSync(guest.hostFds[0], bytes, 0, 40, Number(start) - 20);
      assertSameBytes(bytes, Buffer.concat(parts));
    });
  }

  // 20 bytes with fd_write, then 20 at each offset. In a process of its own:
  // what no file has room for is never written, and the process says so when it
  // ends. Returns the errnos, the size of the file, and what flush() said.
  function pwriteAt(...offsets) {
    return resultInChild(
      (file, all) => {
        const fs = require('node:fs');
        const { withWrites, putIovs } = require('./guest');
        const hostFd = fs.openSync(file, 'w');
        const { guest, memory, writes } = withWrites({
          fds: { 3: hostFd },
          buffered: true,
        });
        putIovs(memory, 64, [[65536, 20]]);
        const errnos = [
          guest.fd_write(3, 64, 1, 16),
          ...all.map((offset) =>
            guest.fd_pwrite(3, 64, 1, BigInt.asIntN(64, BigInt(offset)), 16),
          ),
        ];
        let code = 'flushed';
        try {
          writes.flush();
        } catch (error) {
          ({ code } = error);
        }
        const { size } = fs.fstatSync(hostFd, { bigint: true });
        return { errnos, size: String(size), code };
      },
      [host.path('file'), offsets.map(String)],
    );
  }

  // Staged, or refused as pwrite(2) refuses it.
  const REFUSED = [ERRNO.INVAL, ERRNO.FBIG];

  it('is refused from 2^63 on, also where staged bytes end there', () => {
    const { errnos, size, code } = pwriteAt(
      2n ** 63n - 20n,
      2n ** 63n,
      2n ** 63n + 20n,
      2n ** 64n - 1n,
    );
    assert.equal(errnos[0], ERRNO.SUCCESS);
    assert.ok([ERRNO.SUCCESS, ...REFUSED].includes(errnos[1]));
    assert.deepEqual(errnos.slice(2), Array(3).fill(ERRNO.INVAL));
    assert.equal(size, '20');
    if (errnos[1] === ERRNO.SUCCESS) {
      assert.ok(['EINVAL', 'EFBIG'].includes(code), code);
    }
  });

  // A file system that has such files gets the bytes at the very place; any
  // other says FBIG, at once or when they are flushed.
  for (const offset of [2n ** 53n - 21n, 2n ** 53n + 1n, 2n ** 62n + 1n]) {
    it(`is never rounded, nor left out: ${offset}`, () => {
      const { errnos, size, code } = pwriteAt(offset);
      assert.equal(errnos[0], ERRNO.SUCCESS);
      if (errnos[1] === ERRNO.SUCCESS && code === 'flushed') {
        assert.equal(BigInt(size), offset + 20n);
      } else {
        assert.equal(size, '20');
        if (errnos[1] === ERRNO.SUCCESS) assert.equal(code, 'EFBIG');
        else assert.equal(errnos[1], ERRNO.FBIG);
      }
    });
  }
});

describe('The checks of both calls, buffered and called from JS', () => {
  const host = useHostFiles();

  // wasm passes an i32 signed; JS has either sign.
  const BAD = [0x80000000, 0xffffffff, -1, -(2 ** 31)];

  for (const [name, call] of Object.entries(CALLS)) {
    for (const staged of [false, true]) {
      const title = staged ? 'with bytes staged' : 'with nothing staged';
      it(`let ${name} pass numbers of either sign, ${title}`, () => {
        const guest = new Buffered(host, 'exported');
        if (staged) guest.stage(name, FD);
        putIovs(guest.memory, IOVS, GOOD);
        const good = {
          fd: FD,
          iovs: IOVS,
          length: GOOD.length,
          nwritten: NWRITTEN,
          offset: staged ? 6n : 0n,
        };
        const attempt = (options) =>
          call(guest.writes, { ...good, ...options });
        for (const bad of BAD) {
          assert.equal(attempt({ iovs: bad }), ERRNO.FAULT);
          assert.equal(attempt({ length: bad }), ERRNO.FAULT);
          assert.equal(attempt({ nwritten: bad }), ERRNO.FAULT);
        }
        if (name === 'fd_pwrite') {
          for (const offset of [2n ** 63n, 2n ** 64n - 1n, -1n, -(2n ** 63n)]) {
            assert.equal(attempt({ offset }), ERRNO.INVAL, String(offset));
          }
        }
        assert.deepEqual(guest.sizes(), [0, 0]);
        assert.equal(attempt(), ERRNO.SUCCESS);
        for (const fd of BAD) assert.equal(attempt({ fd }), ERRNO.BADF);
        guest.writes.flush();
        assert.equal(
          guest.contents().toString('latin1'),
          (staged ? STAGED : '') + guest.bytesOf(GOOD).toString('latin1'),
        );
      });
    }
  }
});

describe('A memory that changes under a write, buffered', () => {
  const host = useHostFiles();

  for (const kind of ['imported', 'shared']) {
    for (const name of Object.keys(CALLS)) {
      itResizable(
        `${name} takes a resizable buffer of a memory that is ${kind}` +
          ', and its growth',
        () => {
          const guest = new Buffered(host, kind);
          const parts = [guest.write(name)];
          guest.memory.toResizableBuffer();
          let offset = 20n;
          const write = (options) => {
            parts.push(guest.write(name, { offset, ...options }));
            offset += BigInt(parts.at(-1).length);
          };
          write();
          for (const size of [SIZE, SIZE + PAGE]) {
            guest.guest.grow(1);
            const places = {
              iovs: size + 64,
              nwritten: size + 16,
              list: [[size + 1000, 9]],
            };
            write(places); // behind bytes that are staged
            guest.writes.flush();
            write(places); // the first one
            assert.equal(
              guest.try(name, { offset, nwritten: size + PAGE - 3 }),
              ERRNO.FAULT,
            );
          }
          guest.writes.flush();
          assertSameBytes(guest.contents(), Buffer.concat(parts));
        },
      );
    }
  }

  // The other thread has each mix of these seen: pointers of one list with
  // lengths of another, even bytes of one number with those of another. What is
  // in bounds of all that is behind DATA.
  const BYTE = 0x67;
  const STOP = 32;
  const LISTS = [
    [
      [DATA, 3],
      [DATA + 100, 20],
      [DATA + 5, 0],
    ],
    [
      [SIZE - 1, 1],
      [DATA, 40],
      [0xffffffff, 0],
    ],
    [
      [DATA + 9, 31],
      [DATA, 0xffffffff],
      [DATA + 64, 7],
    ],
    [
      [0xffffffff, 0],
      [0xffffffff, 16],
      [DATA, 1],
    ],
  ];
  const LEAST = 30_000;

  for (const name of Object.keys(CALLS)) {
    it(`${name} takes or refuses a list that another thread rewrites`, async () => {
      const guest = new Buffered(host, 'shared', { bufferSize: 256 });
      const { memory } = guest;
      new Uint8Array(memory.buffer).fill(BYTE, DATA);
      putIovs(memory, IOVS, LISTS[0]);
      const words = new Int32Array(memory.buffer);
      words[STOP / 4] = 0;
      const worker = new Worker(
        path.join(__dirname, '..', 'fixtures', 'rewrite-thread.js'),
        { workerData: { memory, at: IOVS, lists: LISTS, stop: STOP } },
      );
      const exit = once(worker, 'exit');
      await once(worker, 'message');

      let total = 0;
      const seen = new Set();
      try {
        for (let i = 0; i < LEAST || seen.size < 2; i++) {
          const errno = CALLS[name](guest.guest, {
            fd: FD,
            iovs: IOVS,
            length: 3,
            nwritten: NWRITTEN,
            offset: BigInt(total),
          });
          seen.add(errno);
          if (errno === ERRNO.SUCCESS) total += words[NWRITTEN / 4];
        }
      } finally {
        Atomics.store(words, STOP / 4, 1);
        await exit;
      }
      assert.deepEqual([...seen].sort(), [ERRNO.SUCCESS, ERRNO.FAULT]);
      guest.writes.flush();
      assertSameBytes(guest.contents(), Buffer.alloc(total, BYTE));
    });
  }
});
