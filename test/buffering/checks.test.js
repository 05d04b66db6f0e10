'use strict';

// The checks before a buffered write. Rejected bytes are not buffered, and buffered
// bytes stay.

const assert = require('node:assert/strict');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes } = require('../helpers/bytes');
const { useHostFiles } = require('../helpers/host-files');
const { MEMORY_KINDS } = require('../helpers/memory-kinds');
const { Buffered } = require('../helpers/buffered-guest');
const { CALLS, GOOD } = require('../helpers/check-calls');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const FD = 3;
const OTHER = 4;

const NWRITTEN = 16;
const IOVS = 64;
const DATA = PAGE;

// The bytes that a test buffers before the call under test.
const FILLED = 'waited';

const hex = (value) => `0x${value.toString(16)}`;

/** `total` bytes as a list of identical buffers of `each` bytes. */
function overlapping(total, each) {
  const list = Array(Math.floor(total / each)).fill([0, each]);
  return total % each === 0 ? list : [...list, [0, total % each]];
}

// States of the buffer before a call: where the call continues, and the files after
// a good one.
const STATES = {
  'nothing waited': {
    fill() {},
    offset: 0n,
    after: (good) => [good, ''],
  },
  'a write waited': {
    fill: (guest) => guest.fill('fd_write', FD),
    offset: 6n,
    after: (good) => [FILLED + good, ''],
  },
  'an fd_pwrite waited': {
    fill: (guest) => guest.fill('fd_pwrite', FD),
    offset: 6n,
    // fd_pwrite does not move the offset.
    after: (good, name) => [name === 'fd_pwrite' ? FILLED + good : good, ''],
  },
  'a write of another fd waited': {
    fill: (guest) => guest.fill('fd_write', OTHER),
    offset: 0n,
    after: (good) => [good, FILLED],
  },
};

for (const kind of MEMORY_KINDS) {
  for (const name of Object.keys(CALLS)) {
    describe(`The checks of ${name}, buffered, with a memory that is ${kind}`, () => {
      const host = useHostFiles();

      // A rejected call changes nothing in any state. The next call shows that the
      // guest can go on, and that nothing was buffered.
      function assertRefuses(errno, ...refused) {
        for (const [title, state] of Object.entries(STATES)) {
          const { fill, offset, after } = state;
          const guest = new Buffered(host, kind);
          fill(guest);
          for (const { grow = 0, ...options } of refused) {
            if (grow > 0) guest.grow(grow);
            assert.equal(guest.try(name, { offset, ...options }), errno, title);
            // An fd that is not ours goes to the other WASI, after a flush.
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

      it('give FAULT for a bad buffer after more bytes than fit', () => {
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
          // Modulo 2^32 the sum is small.
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
          // Each with bytes in the buffer.
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

      // All calls succeed without a flush.
      function assertStages(options, { grow = 0 } = {}) {
        const guest = new Buffered(host, kind);
        guest.fill(name, FD);
        if (grow > 0) guest.grow(grow);
        const bytes = guest.write(name, { offset: 6n, ...options });
        assert.deepEqual(guest.sizes(), [0, 0]);
        guest.writes.flush();
        assertSameBytes(
          guest.contents(),
          Buffer.concat([Buffer.from(FILLED), bytes]),
        );
      }

      it('accept arguments that end where the memory ends', () => {
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

      it('accept any alignment', () => {
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

      it('accept nwritten over the data and over the list', () => {
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

      it('give FAULT beyond the part by which the memory grew', () => {
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

      it('buffer all that fits, and no more', () => {
        // Sizes that end with a page of the buffer's memory, and others.
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
