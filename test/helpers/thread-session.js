'use strict';

// A Session without wasm: calls the imports of a WASI over a memory that several
// threads share. Results of its methods can be posted to another thread.

const assert = require('node:assert/strict');
const { WASI } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { putIovs, u32 } = require('./guest');
const { DATA, IOVS, OFLAGS, Session } = require('./session');

const PAGE = 65536; // bytes of the memory for each thread

const FD_READDIR = 1n << 14n; // of rights

// The place of results, which Session leaves free.
const RESULT = 128;
const FDSTAT = 192;
const FILESTAT = 256;

const DIRENT = 24; // bytes before the name

/** The entries of an fd_readdir; the last may be cut. */
function parseEntries(bytes) {
  const entries = [];
  let at = 0;
  while (at + DIRENT <= bytes.length) {
    const end = at + DIRENT + bytes.readUInt32LE(at + 16);
    if (end > bytes.length) break;
    entries.push({
      cookie: bytes.readBigUInt64LE(at),
      name: bytes.toString('utf8', at + DIRENT, end),
    });
    at = end;
  }
  return entries;
}

/**
 * `WASI` options for a thread: 'function' becomes a target that collects its text.
 */
function withFunctions(options, text) {
  const made = { ...options };
  for (const name of ['stdout', 'stderr']) {
    if (options[name] !== 'function') continue;
    made[name] = (chunk) => text[name].push(Buffer.from(chunk));
  }
  return made;
}

class ThreadSession extends Session {
  #text;

  /**
   * @param {object} data `memory`; `page`: the thread's page of it; `options` of
   *   WASI
   */
  constructor({ memory, page, options }) {
    const text = { stdout: [], stderr: [] };
    const wasi = new WASI({
      version: 'preview1',
      ...withFunctions(options, text),
    });
    wasi.finalizeBindings({ exports: {} }, { memory });
    super({ guest: wasi.wasiImport, memory, wasi }, page * PAGE);
    this.#text = text;
  }

  /** The same interface as GuestThread. */
  call(name, ...args) {
    return this[name](...args);
  }

  /** The errno of any call, with its arguments unchanged. */
  errno(name, ...args) {
    return this.guest[name](...args);
  }

  renumber(from, to) {
    assert.equal(this.guest.fd_renumber(from, to), ERRNO.SUCCESS);
  }

  openDirectory(name) {
    return this.open(name, { oflags: OFLAGS.DIRECTORY, rights: FD_READDIR });
  }

  isOpen(fd) {
    const errno = this.guest.fd_fdstat_get(fd, this.base + FDSTAT);
    assert.ok(errno === ERRNO.SUCCESS || errno === ERRNO.BADF, `${errno}`);
    return errno === ERRNO.SUCCESS;
  }

  #bytes(length) {
    return Buffer.from(
      new Uint8Array(this.memory.buffer, this.base + DATA, length),
    );
  }

  /** Like `read`, but first sets a cell of shared memory. */
  readTelling(cell, fd, length) {
    Atomics.store(cell, 0, 1);
    return this.read(fd, length);
  }

  /** @returns {{ errno: number, text: string }} the result of one fd_pread */
  tryPread(fd, length, offset) {
    const { base } = this;
    putIovs(this.memory, base + IOVS, [[base + DATA, length]]);
    const errno = this.guest.fd_pread(
      fd,
      base + IOVS,
      1,
      offset,
      base + RESULT,
    );
    const count = errno === ERRNO.SUCCESS ? u32(this.memory, base + RESULT) : 0;
    return { errno, text: this.#bytes(count).toString() };
  }

  /** @returns {{ errno: number, inode: number }} the result of fd_filestat_get */
  tryInode(fd) {
    const at = this.base + FILESTAT;
    const errno = this.guest.fd_filestat_get(fd, at);
    const data = new DataView(this.memory.buffer);
    return { errno, inode: Number(data.getBigUint64(at + 8, true)) };
  }

  /** @returns {{ errno: number, entries: object[], end: boolean }} */
  tryEntries(fd, size, cookie) {
    const { base } = this;
    const errno = this.guest.fd_readdir(
      fd,
      base + DATA,
      size,
      cookie,
      base + RESULT,
    );
    if (errno !== ERRNO.SUCCESS) return { errno, entries: [], end: true };
    const used = u32(this.memory, base + RESULT);
    const entries = parseEntries(this.#bytes(used));
    return { errno, entries, end: used < size };
  }

  /**
   * The names in a directory without `.` and `..`, read with a buffer of `size`
   * bytes.
   */
  list(fd, size) {
    const names = [];
    let cookie = 0n;
    for (;;) {
      const { errno, entries, end } = this.tryEntries(fd, size, cookie);
      assert.equal(errno, ERRNO.SUCCESS, `readdir of ${fd}`);
      names.push(...entries.map(({ name }) => name));
      if (end) return names.filter((name) => name !== '.' && name !== '..');
      assert.ok(entries.length > 0, 'no entry fits');
      cookie = entries.at(-1).cookie;
    }
  }

  /** Opens, writes and closes `count` files. */
  makeFiles(prefix, count) {
    for (let i = 0; i < count; i++) {
      const fd = this.open(`${prefix}${i}`);
      this.write(fd, `${prefix}${i}`);
      this.close(fd);
    }
  }

  /** The text that a stream's capture or function got. */
  told(name) {
    const bytes = this.wasi[name] ?? Buffer.concat(this.#text[name]);
    return Buffer.from(bytes).toString();
  }

  flush() {
    this.wasi.flush();
  }

  closeAll() {
    this.wasi.close();
  }
}

module.exports = { PAGE, ThreadSession };
