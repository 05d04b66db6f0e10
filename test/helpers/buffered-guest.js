'use strict';

// A guest with a buffer, which makes a write of the wanted kind before each call.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('./bytes');
const { CALLS, GOOD } = require('./check-calls');
const { putBytes, putIovs, u32 } = require('./guest');
const { makeGuest } = require('./memory-kinds');

const PAGE = 65536;
const SIZE = 2 * PAGE;

const FD = 3;
const OTHER = 4;

const NWRITTEN = 16;
const IOVS = 64;
const TEXT = 60_000;

// The bytes that a test buffers before the call under test.
const FILLED = 'waited';

let guests = 0;

/** A guest with two fds, each on a file of its own. */
class Buffered {
  #paths;

  constructor(host, kind, { bufferSize } = {}) {
    guests++;
    // No file is truncated: some disks flush a truncated file when it is closed.
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

  /** The sizes of the files of FD and OTHER. */
  sizes() {
    return this.#paths.map((file) => fs.statSync(file).size);
  }

  /** The contents of the file of FD or OTHER. */
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

  /**
   * Returns the errno of a call, and asserts that it changes nothing but nwritten.
   */
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

  /** Makes a call that succeeds. Returns the bytes written. */
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

  fill(name, fd) {
    const length = putBytes(this.memory, TEXT, FILLED);
    this.write(name, { fd, list: [[TEXT, length]] });
    assert.deepEqual(this.sizes(), [0, 0]);
  }
}

module.exports = { Buffered };
