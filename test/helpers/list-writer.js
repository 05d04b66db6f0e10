'use strict';

// Lists of buffers, and a guest that writes them and checks the result.

const assert = require('node:assert/strict');
const { ERRNO } = require('../../lib/preview1');
const { pattern } = require('./bytes');
const { putIovs, u32, withWrites } = require('./guest');

const FD = 3;
const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;
const DATA = 65536;

/**
 * `count` buffers of `size(i)` bytes, not adjacent and not in the order of the
 * memory.
 */
function scattered(count, size) {
  const list = [];
  for (let i = 0, at = DATA; i < count; i++) {
    list.unshift([at, size(i)]);
    at += size(i) + 1;
  }
  return list;
}

/** Lists of different shapes, each small enough for one call. */
const LISTS = {
  'one buffer': [[DATA, 1000]],
  'two buffers, one of them empty': [
    [0, 0],
    [DATA, 77],
  ],
  'four small buffers': scattered(4, () => 16),
  'buffers that touch': Array.from({ length: 50 }, (_, i) => [
    DATA + 300 * i,
    300,
  ]),
  'buffers that overlap': Array.from({ length: 50 }, (_, i) => [
    DATA + 10 * i,
    300,
  ]),
  'small and large buffers in turn': scattered(16, (i) => (i % 2 ? 3 : 3000)),
  '1,024 buffers': scattered(1024, (i) => 1 + (i % 31)),
  '1,025 buffers': scattered(1025, (i) => 1 + (i % 31)),
  '1,500 buffers': scattered(1500, (i) => 1 + (i % 31)),
  '5,000 buffers': scattered(5000, (i) => 1 + (i % 11)),
};

// A guest that writes to one host descriptor.
class Writer {
  constructor(hostFd, buffered = false) {
    const { guest, memory } = withWrites({ fds: { [FD]: hostFd }, buffered });
    this.guest = guest;
    this.memory = memory;
    memory.grow(16);
    new Uint8Array(memory.buffer).set(pattern(2 ** 20), DATA);
  }

  bytesOf(list) {
    return Buffer.concat(
      list.map(([pointer, length]) =>
        Buffer.from(this.memory.buffer.slice(pointer, pointer + length)),
      ),
    );
  }

  /** Returns the errno. An `offset` makes it fd_pwrite. */
  try(list, offset) {
    putIovs(this.memory, IOVS, list);
    new DataView(this.memory.buffer).setUint32(NWRITTEN, UNTOUCHED, true);
    const errno =
      offset === undefined
        ? this.guest.fd_write(FD, IOVS, list.length, NWRITTEN)
        : this.guest.fd_pwrite(FD, IOVS, list.length, offset, NWRITTEN);
    if (errno !== ERRNO.SUCCESS) assert.equal(this.nwritten, UNTOUCHED);
    return errno;
  }

  get nwritten() {
    return u32(this.memory, NWRITTEN);
  }

  /** Asserts that the call takes all of the list. Returns the bytes. */
  write(list, offset) {
    assert.equal(this.try(list, offset), ERRNO.SUCCESS);
    const bytes = this.bytesOf(list);
    assert.equal(this.nwritten, bytes.length);
    return bytes;
  }
}

const SMALL = [
  [DATA, 10],
  [DATA + 20, 30],
];
const EMPTY_LISTS = [
  [],
  [[DATA, 0]],
  [
    [0xffffffff, 0],
    [DATA, 0],
  ],
];

// Both calls, with an offset for fd_pwrite.
const CALLS = [
  ['fd_write', undefined],
  ['fd_pwrite', 0n],
];

module.exports = { CALLS, EMPTY_LISTS, LISTS, SMALL, Writer, scattered };
