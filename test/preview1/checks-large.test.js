'use strict';

// Checks before a write in a memory of 4 GiB, and at large offsets.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { putIovs, u32, withWASI, withWrites } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { Session } = require('../helpers/session');
const { CALLS, GOOD, atOnce } = require('../helpers/check-calls');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GUEST_FD = 3;
const NWRITTEN = 16;
const IOVS = 64;
const DATA = PAGE;
const GIB = 2 ** 30;

const hex = (value) => `0x${value.toString(16)}`;

describe('The checks of both calls in 4 GiB', () => {
  const host = useHostFiles();
  const SENTINEL = 0xfeedface;
  let file;
  let guest;
  let memory;
  let writes;

  // One for all tests: the system takes a while to create and free it.
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
    // The list has this word as the pointer of an empty buffer.
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

    it(`${name} gives FAULT for nwritten one byte past the end`, () => {
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

  beforeEach(() => {
    file = host.open('file', 'w+');
    ({ guest, memory } = withWrites({ fds: { [GUEST_FD]: file } }));
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

  /** The exact size of the file. */
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

  // A file system with such large files puts the bytes at the exact offset. Others
  // say FBIG. The fallback cannot express odd offsets above 2^53.
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

  it('may be 2^63 - 1, where no byte fits', () => {
    assert.equal(
      pwrite(2n ** 63n - 1n),
      engine === 'native' ? ERRNO.INVAL : ERRNO.FBIG,
    );
    assert.equal(size(), 0n);
    assert.equal(u32(memory, NWRITTEN), 0);
  });

  it('may be 2^63 - 1 for no bytes at all', function () {
    if (engine === 'fallback') this.skip(); // doubles are too coarse there
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

  it('is checked after the fd and the pointers', () => {
    assert.equal(pwrite(2n ** 63n, { nwritten: SIZE }), ERRNO.FAULT);
    assert.equal(pwrite(2n ** 63n, { length: 0xffffffff }), ERRNO.FAULT);
    assert.equal(pwrite(2n ** 63n, { fd: 6 }), ERRNO.BADF);
  });
});
