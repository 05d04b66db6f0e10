'use strict';

// A model of writes in the plainest form: arrays of bytes, no system call.
//
// The rules are in docs/buffering.md and src/preview1/fd_write.c. A comment explains
// each freedom that an engine has.

const os = require('node:os');
const { ERRNO, FDFLAGS, RIGHTS } = require('../../lib/preview1');

const IOV_MAX = 1024;
const LAST_DOUBLE = 2n ** 53n - 1n;
const LAST_OFFSET = 2n ** 63n - 1n;
const STDERR = 2;

// Only Node enforces this right.
const FDSTAT_SET_FLAGS = 1n << 3n;

// RWF_NOAPPEND came with Linux 6.9. Before, or without the addon, pwrite(2) on Linux
// appends.
const [major, minor] = os.release().split('.').map(Number);
const hasNoAppend = major > 6 || (major === 6 && minor >= 9);
const isLinux = os.platform() === 'linux';

/** A regular file, or a device: `'null'` takes all bytes, `'full'` none. */
class ModelFile {
  constructor(kind, bytes = Buffer.alloc(0)) {
    this.kind = kind;
    this.bytes = bytes;
  }

  put(bytes, offset) {
    const end = offset + bytes.length;
    if (end > this.bytes.length) {
      const longer = Buffer.alloc(end);
      longer.set(this.bytes);
      this.bytes = longer;
    }
    this.bytes.set(bytes, offset);
  }
}

/** An open file description. */
class Description {
  constructor(file, { append = false, readOnly = false } = {}) {
    this.file = file;
    this.append = append;
    this.readOnly = readOnly;
    this.offset = 0;
  }

  /** write(2). Returns an errno. */
  write(bytes) {
    if (this.readOnly) return ERRNO.BADF;
    if (this.file.kind === 'full') return ERRNO.NOSPC;
    if (this.file.kind === 'null') return ERRNO.SUCCESS;
    if (this.append) this.offset = this.file.bytes.length;
    this.file.put(bytes, this.offset);
    this.offset += bytes.length;
    return ERRNO.SUCCESS;
  }

  /** pwrite(2), as `writer` makes it: see Entry. */
  pwrite(bytes, offset, writer) {
    if (writer === 'fs' && offset + BigInt(bytes.length) > LAST_DOUBLE) {
      return ERRNO.FBIG;
    }
    if (this.readOnly) return ERRNO.BADF;
    if (offset + BigInt(bytes.length) > LAST_OFFSET) return ERRNO.INVAL;
    if (this.file.kind === 'full') return ERRNO.NOSPC;
    if (this.file.kind === 'null') return ERRNO.SUCCESS;
    const atEnd =
      this.append && isLinux && !(writer === 'native' && hasNoAppend);
    this.file.put(bytes, atEnd ? this.file.bytes.length : Number(offset));
    return ERRNO.SUCCESS;
  }
}

/**
 * @typedef {object} Entry a guest fd
 * @property {Description} [description] none for a directory
 * @property {bigint} rights
 * @property {boolean} nonblock
 * @property {string} writer what makes the system call: `'native'`, `'fs'` (the
 *   fallback) or `'node'` (Node's own WASI, under the fallback)
 */

/** The offset at which an fd_pwrite continues the buffered bytes. */
const endOf = ({ bytes, offset }) => offset + BigInt(bytes.length);

/** One guest: its memory, its fds, and its buffered bytes. */
class Model {
  fds = new Map();
  #buffered; // { fd, entry, offset, bytes }; offset only of fd_pwrite
  #unflushed; // the bytes that a flush could not write; also has `errno`
  #last = { fd: undefined, end: 0n }; // of the last fd_pwrite that is written

  /**
   * @param {Uint8Array} memory the guest's initial memory
   * @param {object} options
   * @param {boolean
   * 'auto'} options.buffered
   * @param {number} options.bufferSize
   * @param {boolean} [options.shares] whether threads may share its files: then only
   *   its standard streams are buffered
   */
  constructor(memory, { buffered, bufferSize, shares = false }) {
    this.memory = Buffer.from(memory);
    this.buffered = buffered;
    this.bufferSize = bufferSize;
    this.shares = shares;
  }

  grow(bytes) {
    this.memory = Buffer.concat([this.memory, Buffer.alloc(bytes)]);
  }

  has(pointer, length) {
    return pointer + length <= this.memory.length;
  }

  /** Checks the arguments: an errno, or the bytes to write. */
  check({ iovs, count, nwritten, offset }) {
    if (!this.has(nwritten, 4)) return { errno: ERRNO.FAULT };
    if (!this.has(iovs, count * 8)) return { errno: ERRNO.FAULT };
    const buffers = [];
    let total = 0;
    let strays = 0; // empty buffers that point out of bounds
    for (let i = 0; i < count; i++) {
      const pointer = this.memory.readUInt32LE(iovs + 8 * i);
      const length = this.memory.readUInt32LE(iovs + 8 * i + 4);
      if (length === 0) {
        if (!this.has(pointer, 1)) strays++;
        continue;
      }
      if (!this.has(pointer, length)) return { errno: ERRNO.FAULT };
      buffers.push([pointer, length]);
      total += length;
    }
    if (total > 0xffffffff) return { errno: ERRNO.INVAL };
    if (offset > LAST_OFFSET) return { errno: ERRNO.INVAL };
    return { errno: ERRNO.SUCCESS, buffers, strays, total };
  }

  #bytesOf(buffers) {
    return Buffer.concat(
      buffers.map(([at, length]) => this.memory.subarray(at, at + length)),
    );
  }

  /**
   * fd_write, or fd_pwrite if the call has an `offset`.
   *
   * @param {object} call
   * @param {number} took the count that the engine stored at `nwritten`, used only
   *   where a short count is allowed
   * @returns {number} errno
   */
  write(call, took) {
    const entry = this.fds.get(call.fd);
    if (this.#capacity(call) === 0) return this.#writeThrough(call, took);
    const { errno, buffers, total } = this.check(call);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (total === 0) return this.#writeNow(entry, call, took);
    const { fd, nwritten, offset } = call;
    const continues = this.#continues(call);
    if (!continues && this.#isElsewhere(call)) {
      return this.#writeThrough(call, took);
    }
    if (!continues || this.#buffered.bytes.length + total > this.bufferSize) {
      const failed = this.before(fd);
      if (failed !== ERRNO.SUCCESS) return failed;
      if (
        this.#unflushed !== undefined ||
        total >= this.bufferSize ||
        (offset ?? 0n) + BigInt(total) > LAST_OFFSET
      ) {
        return this.#writeThrough(call, took);
      }
      this.#buffered = { fd, entry, offset, bytes: Buffer.alloc(0) };
    }
    this.#buffered.bytes = Buffer.concat([
      this.#buffered.bytes,
      this.#bytesOf(buffers),
    ]);
    this.memory.writeUInt32LE(total, nwritten);
    return ERRNO.SUCCESS;
  }

  #capacity({ fd, offset }) {
    const entry = this.fds.get(fd);
    if (this.buffered === false || fd === STDERR || !entry?.description) {
      return 0;
    }
    const { description, nonblock } = entry;
    if (this.shares && fd > STDERR) return 0;
    if (description.readOnly) return 0;
    if (!this.#mayWrite(entry, offset)) return 0;
    const file = description.file.kind === 'file';
    if (nonblock && !file) return 0;
    const held = file || (this.buffered === true && offset === undefined);
    return held ? this.bufferSize : 0;
  }

  #continues({ fd, offset }) {
    const buffered = this.#buffered;
    if (buffered?.fd !== fd) return false;
    return buffered.offset === undefined
      ? offset === undefined
      : offset === endOf(buffered);
  }

  // It does not continue the last fd_pwrite, and does not begin a file.
  #isElsewhere({ fd, offset }) {
    if (offset === undefined) return false;
    return offset !== (this.#last.fd === fd ? this.#last.end : 0n);
  }

  #writeThrough(call, took) {
    const { fd, nwritten, offset } = call;
    const errno =
      this.before(fd) || this.#writeNow(this.fds.get(fd), call, took);
    if (errno === ERRNO.SUCCESS && offset !== undefined) {
      const written = this.memory.readUInt32LE(nwritten);
      if (written > 0) this.#last = { fd, end: offset + BigInt(written) };
    }
    return errno;
  }

  #mayWrite({ rights }, offset) {
    const needed = offset === undefined ? 0n : RIGHTS.FD_SEEK;
    return (rights & RIGHTS.FD_WRITE) !== 0n && (rights & needed) === needed;
  }

  // Checks in the order of the section "Exact semantics": fd, rights, pointers,
  // sums, offset.
  #writeNow(entry, call, took) {
    const { nwritten, offset } = call;
    if (entry?.description === undefined || entry.description.readOnly) {
      return ERRNO.BADF;
    }
    if (!this.#mayWrite(entry, offset)) return ERRNO.NOTCAPABLE;
    const { errno, buffers, strays, total } = this.check(call);
    if (errno !== ERRNO.SUCCESS) return errno;
    const { description, writer } = entry;
    if (writer === 'fs' && offset > LAST_DOUBLE) return ERRNO.FBIG;
    let written = 0;
    if (total > 0) {
      const short =
        writer === 'node'
          ? call.count > IOV_MAX || strays > 0
          : this.#mayBeShort(entry, offset, buffers);
      written = short && took > 0 && took < total ? took : total;
      const bytes = this.#bytesOf(buffers).subarray(0, written);
      const failed =
        offset === undefined
          ? description.write(bytes)
          : description.pwrite(bytes, offset, writer);
      if (failed !== ERRNO.SUCCESS) return failed;
    }
    this.memory.writeUInt32LE(written, nwritten);
    return ERRNO.SUCCESS;
  }

  // A short count is allowed if one system call does not take the whole list, and on
  // a stream with NONBLOCK. Node allows fewer buffers.
  #mayBeShort({ description, nonblock }, offset, buffers) {
    if (description.file.kind !== 'file' && offset === undefined) {
      return nonblock;
    }
    return buffers.length > IOV_MAX;
  }

  /**
   * Flushes before a call that could see the buffered bytes.
   *
   * @returns {number} the errno of a failed flush of `fd`; then the call is not made
   */
  before(fd) {
    const entry = this.fds.get(fd);
    const flushed = this.flush();
    if (flushed !== undefined) {
      return flushed.entry === entry ? flushed.errno : ERRNO.SUCCESS;
    }
    if (entry === undefined || this.#unflushed?.entry !== entry) {
      return ERRNO.SUCCESS;
    }
    return this.#drain(this.#unflushed);
  }

  /** Flushes the buffered bytes. */
  flush() {
    const buffered = this.#buffered;
    if (buffered === undefined) return undefined;
    this.#buffered = undefined;
    if (buffered.offset !== undefined) {
      this.#last = { fd: buffered.fd, end: endOf(buffered) };
    }
    return { entry: buffered.entry, errno: this.#drain(buffered) };
  }

  #drain(left) {
    const { entry, offset, bytes } = left;
    const { description, writer } = entry;
    const errno =
      offset === undefined
        ? description.write(bytes)
        : description.pwrite(bytes, offset, writer);
    this.#unflushed = errno === ERRNO.SUCCESS ? undefined : { ...left, errno };
    return errno;
  }

  /**
   * Flushes all that it can, including unflushed bytes. Returns whether nothing is
   * left.
   */
  flushAll() {
    if (this.flush() === undefined && this.#unflushed !== undefined) {
      this.#drain(this.#unflushed);
    }
    return this.#unflushed === undefined;
  }

  /** Whether a failed flush has left these bytes. */
  hasLeft({ fd, errno, pending }) {
    const left = this.#unflushed;
    return (
      left?.fd === fd && left.errno === errno && left.bytes.length === pending
    );
  }

  // The other calls that programs make.

  lowestFreeFd() {
    let fd = 0;
    while (this.fds.has(fd)) fd++;
    return fd;
  }

  /** fd_seek, or fd_tell with a distance of 0. */
  seek({ fd, distance, whence, result }, right) {
    const errno = this.before(fd);
    if (errno !== ERRNO.SUCCESS) return errno;
    const entry = this.fds.get(fd);
    if (entry === undefined) return ERRNO.BADF;
    if (!(entry.rights & right)) return ERRNO.NOTCAPABLE;
    const { description } = entry;
    const from = [0, description.offset, description.file.bytes.length];
    const offset = from[whence] + distance;
    if (offset < 0) return ERRNO.INVAL;
    description.offset = offset;
    this.memory.writeBigUInt64LE(BigInt(offset), result);
    return ERRNO.SUCCESS;
  }

  setFlags(fd, fdflags) {
    const errno = this.before(fd);
    if (errno !== ERRNO.SUCCESS) return errno;
    const entry = this.fds.get(fd);
    if (entry === undefined) return ERRNO.BADF;
    if (entry.writer === 'node' && !(entry.rights & FDSTAT_SET_FLAGS)) {
      return ERRNO.NOTCAPABLE;
    }
    entry.nonblock = (fdflags & FDFLAGS.NONBLOCK) !== 0;
    entry.description.append = (fdflags & FDFLAGS.APPEND) !== 0;
    return ERRNO.SUCCESS;
  }

  setRights(fd, rights) {
    const errno = this.before(fd);
    if (errno !== ERRNO.SUCCESS) return errno;
    const entry = this.fds.get(fd);
    if (entry === undefined) return ERRNO.BADF;
    if ((rights & ~entry.rights) !== 0n) return ERRNO.NOTCAPABLE;
    entry.rights = rights;
    return ERRNO.SUCCESS;
  }
}

module.exports = { Description, Model, ModelFile };
