'use strict';

// A guest whose writes are buffered, with a write of the wanted kind before each.

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

// Buffered by a test before the call that it is about.
const FILLED = 'waited';

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

  fill(name, fd) {
    const length = putBytes(this.memory, TEXT, FILLED);
    this.write(name, { fd, list: [[TEXT, length]] });
    assert.deepEqual(this.sizes(), [0, 0]);
  }
}

module.exports = { Buffered };
