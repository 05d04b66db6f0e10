'use strict';

// The calls of the guest `calls` with their pointers filled in, so that a test reads
// like a real program.

const assert = require('node:assert/strict');
const { ERRNO } = require('../../lib/preview1');
const { putBytes, putIovs, u32 } = require('./guest');

/** Bits of `rights` that tests use; RIGHTS.FILE is every right of a file. */
const RIGHTS = Object.freeze({
  FD_READ: 1n << 1n,
  FD_SEEK: 1n << 2n,
  FD_FDSTAT_SET_FLAGS: 1n << 3n,
  FD_TELL: 1n << 5n,
  FD_WRITE: 1n << 6n,
  FD_FILESTAT_GET: 1n << 21n,
  FILE: 0x08e001ffn,
});

const OFLAGS = Object.freeze({ CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 });
const WHENCE = Object.freeze({ SET: 0, CUR: 1, END: 2 });

const PREOPEN = 3;

// Where arguments and results are, from the session's base on.
const RESULT = 16;
const FDSTAT = 64;
const PATH = 1024;
const IOVS = 4096;
const DATA = 8192;
const PAGE = 65536;

/** The wrapped calls of one guest. All must succeed, except those named `try`. */
class Session {
  /** `base`: the start of the session's part of the memory, at least 1 page. */
  constructor({ guest, memory, wasi }, base = 0) {
    this.guest = guest;
    this.memory = memory;
    this.wasi = wasi;
    this.base = base;
  }

  #result() {
    return u32(this.memory, this.base + RESULT);
  }

  // Puts a list at IOVS. Returns how many buffers it has.
  #put(bytes) {
    const buffers = (Array.isArray(bytes) ? bytes : [bytes]).map((buffer) =>
      Buffer.from(buffer),
    );
    let at = this.base + DATA;
    const end = at + buffers.reduce((sum, { length }) => sum + length, 0);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    const list = buffers.map((buffer) => {
      const pointer = at;
      at += putBytes(this.memory, at, buffer);
      return [pointer, buffer.length];
    });
    putIovs(this.memory, this.base + IOVS, list);
    return list.length;
  }

  /** @returns {number} errno */
  tryOpen(
    path,
    {
      dirfd = PREOPEN,
      follow = false,
      oflags = OFLAGS.CREAT,
      rights = RIGHTS.FILE,
      fdflags = 0,
    } = {},
  ) {
    const length = putBytes(this.memory, this.base + PATH, path);
    return this.guest.path_open(
      dirfd,
      follow ? 1 : 0,
      this.base + PATH,
      length,
      oflags,
      rights,
      0n,
      fdflags,
      this.base + RESULT,
    );
  }

  /** @returns {number} guest fd */
  open(path, options) {
    assert.equal(this.tryOpen(path, options), ERRNO.SUCCESS, `open ${path}`);
    return this.lastFd();
  }

  /** The guest fd from the last `tryOpen`. */
  lastFd() {
    return this.#result();
  }

  /** @returns {number} errno */
  tryWrite(fd, bytes) {
    return this.guest.fd_write(
      fd,
      this.base + IOVS,
      this.#put(bytes),
      this.base + RESULT,
    );
  }

  /**
   * `bytes`: one or several buffers or texts. Returns how many bytes were written.
   */
  write(fd, bytes) {
    assert.equal(this.tryWrite(fd, bytes), ERRNO.SUCCESS, `write to ${fd}`);
    return this.#result();
  }

  /**
   * Writes the list of `length` buffers at IOVS. Returns how many bytes were
   * written.
   */
  writeList(fd, length) {
    const { base } = this;
    assert.equal(
      this.guest.fd_write(fd, base + IOVS, length, base + RESULT),
      ERRNO.SUCCESS,
      `write to ${fd}`,
    );
    return this.#result();
  }

  /** @returns {number} errno */
  tryPwrite(fd, bytes, offset) {
    return this.guest.fd_pwrite(
      fd,
      this.base + IOVS,
      this.#put(bytes),
      offset,
      this.base + RESULT,
    );
  }

  pwrite(fd, bytes, offset) {
    assert.equal(
      this.tryPwrite(fd, bytes, offset),
      ERRNO.SUCCESS,
      `pwrite to ${fd}`,
    );
    return this.#result();
  }

  /** The text that one fd_read of up to `length` bytes returns. */
  read(fd, length) {
    putIovs(this.memory, this.base + IOVS, [[this.base + DATA, length]]);
    assert.equal(
      this.guest.fd_read(fd, this.base + IOVS, 1, this.base + RESULT),
      ERRNO.SUCCESS,
      `read from ${fd}`,
    );
    return Buffer.from(
      this.memory.buffer,
      this.base + DATA,
      this.#result(),
    ).toString();
  }

  seek(fd, offset, whence = WHENCE.SET) {
    assert.equal(
      this.guest.fd_seek(fd, offset, whence, this.base + RESULT),
      ERRNO.SUCCESS,
      `seek in ${fd}`,
    );
    return this.#u64(RESULT);
  }

  tell(fd) {
    assert.equal(
      this.guest.fd_tell(fd, this.base + RESULT),
      ERRNO.SUCCESS,
      `tell ${fd}`,
    );
    return this.#u64(RESULT);
  }

  fdstat(fd) {
    assert.equal(
      this.guest.fd_fdstat_get(fd, this.base + FDSTAT),
      ERRNO.SUCCESS,
      `fdstat of ${fd}`,
    );
    const data = new DataView(this.memory.buffer, this.base + FDSTAT, 24);
    return {
      filetype: data.getUint8(0),
      flags: data.getUint16(2, true),
      rights: data.getBigUint64(8, true),
      inheriting: data.getBigUint64(16, true),
    };
  }

  close(...fds) {
    for (const fd of fds) {
      assert.equal(this.guest.fd_close(fd), ERRNO.SUCCESS, `close ${fd}`);
    }
  }

  #u64(at) {
    return new DataView(this.memory.buffer).getBigUint64(this.base + at, true);
  }
}

module.exports = { DATA, IOVS, OFLAGS, PREOPEN, RIGHTS, Session, WHENCE };
