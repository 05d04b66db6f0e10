'use strict';

// Runs a random program of WASI calls in a guest.

const { putBytes, putIovs, u32 } = require('./guest');
const { CONTENT, NAMES, NO_FD, PAGE, PAGES, STDIO } = require('./programs');
const { PREOPEN } = require('./session');

// The layout of the guest's memory.
const RESULT = 16;
const SUBSCRIPTION = 64;
const EVENT = 128;
const STAT = 256;
const PATH = 1024;
const OTHER_PATH = 2048;
const LIST = 4096;
const READ = 24576;
const READ_MAX = 32768;
const DATA = PAGE;

const MOST_FDS = 128;

const FILE_TYPE = 16; // offsets in a filestat
const FILE_SIZE = 32;
const DIRENT = { SIZE: 24, NAMLEN: 16, TYPE: 20 };

class Machine {
  #fds = new Map(STDIO.map((fd) => [fd, fd]));
  #guest;
  #memory;
  #host;
  #end;

  /**
   * @param {object} guest
   * @param {WebAssembly.Memory} memory of two pages
   * @param {object} host
   * @param {() => unknown} host.look returns what the host sees of the guest's files
   * @param {() => void} host.flush
   */
  constructor(guest, memory, host) {
    this.#guest = guest;
    this.#memory = memory;
    this.#host = host;
    memory.grow(PAGES - 2);
    new Uint8Array(memory.buffer).set(CONTENT, DATA);
    this.#end = PAGES * PAGE;
  }

  /** @returns {Promise<string[]>} the result of each operation */
  async run(program) {
    const results = [];
    for (const operation of program) {
      if (operation.call === 'tick') await null;
      results.push(JSON.stringify(this.#do(operation) ?? null));
    }
    return results;
  }

  /** Closes all that may be open, including the host's descriptors. */
  end() {
    for (let fd = 1; fd < MOST_FDS; fd++) this.#guest.fd_close(fd);
  }

  #do(operation) {
    const fd = this.#fds.get(operation.slot) ?? NO_FD;
    return this[operation.call](fd, operation);
  }

  #u64(at) {
    return String(new DataView(this.#memory.buffer).getBigUint64(at, true));
  }

  // The errno, followed by the result if it is SUCCESS.
  #answer(errno, result) {
    return errno === 0 ? [errno, result()] : [errno];
  }

  #put(list) {
    putIovs(
      this.#memory,
      LIST,
      list.map(([at, length]) => [DATA + at, length]),
    );
  }

  // A list of more than 1,024 buffers may get a short count. Like writev in libc,
  // writes the rest with further calls.
  #writeAll(list, call) {
    let total = 0;
    for (;;) {
      this.#put(list);
      const errno = call(list.length, BigInt(total));
      if (errno !== 0) return [errno, total];
      const count = u32(this.#memory, RESULT);
      total += count;
      const rest = list.length > 1024 && count > 0 ? without(list, count) : [];
      if (rest.length === 0) return [errno, total];
      list = rest;
    }
  }

  write(fd, { list }) {
    return this.#writeAll(list, (count) =>
      this.#guest.fd_write(fd, LIST, count, RESULT),
    );
  }

  pwrite(fd, { list, offset }) {
    return this.#writeAll(list, (count, done) =>
      this.#guest.fd_pwrite(fd, LIST, count, offset + done, RESULT),
    );
  }

  bad(fd, { place, list, positioned }) {
    const size = this.#memory.buffer.byteLength;
    this.#put(list);
    const at = { iovs: LIST, count: list.length, offset: 0n, nwritten: RESULT };
    if (place === 'nwritten') at.nwritten = size - 3;
    if (place === 'list') at.iovs = size - 8 * at.count + 1;
    if (place === 'count') at.count = 0x20000000;
    if (place === 'offset') at.offset = 2n ** 63n;
    if (place === 'buffer') putIovs(this.#memory, LIST, [[size - 4, 5]]);
    return positioned
      ? this.#guest.fd_pwrite(fd, at.iovs, at.count, at.offset, at.nwritten)
      : this.#guest.fd_write(fd, at.iovs, at.count, at.nwritten);
  }

  #read(lengths, call) {
    let at = READ;
    putIovs(
      this.#memory,
      LIST,
      lengths.map((length) => {
        at += length;
        return [at - length, length];
      }),
    );
    new Uint8Array(this.#memory.buffer).fill(0, READ, at);
    return this.#answer(call(lengths.length), () => [
      u32(this.#memory, RESULT),
      this.#text(READ, at),
    ]);
  }

  #text(from, to) {
    return Buffer.from(this.#memory.buffer, from, to - from).toString('latin1');
  }

  read(fd, { lengths }) {
    return this.#read(lengths, (count) =>
      this.#guest.fd_read(fd, LIST, count, RESULT),
    );
  }

  pread(fd, { lengths, offset }) {
    return this.#read(lengths, (count) =>
      this.#guest.fd_pread(fd, LIST, count, offset, RESULT),
    );
  }

  seek(fd, { offset, whence }) {
    return this.#answer(this.#guest.fd_seek(fd, offset, whence, RESULT), () =>
      this.#u64(RESULT),
    );
  }

  tell(fd) {
    return this.#answer(this.#guest.fd_tell(fd, RESULT), () =>
      this.#u64(RESULT),
    );
  }

  // Other fields of a filestat differ between files.
  #stat() {
    return [
      u32(this.#memory, STAT + FILE_TYPE) & 0xff,
      this.#u64(STAT + FILE_SIZE),
    ];
  }

  filestat(fd) {
    return this.#answer(this.#guest.fd_filestat_get(fd, STAT), () =>
      this.#stat(),
    );
  }

  pathStat(fd, { name }) {
    const length = putBytes(this.#memory, PATH, name);
    return this.#answer(
      this.#guest.path_filestat_get(PREOPEN, 0, PATH, length, STAT),
      () => this.#stat(),
    );
  }

  setSize(fd, { size }) {
    return this.#guest.fd_filestat_set_size(fd, size);
  }

  setFlags(fd, { fdflags }) {
    return this.#guest.fd_fdstat_set_flags(fd, fdflags);
  }

  setRights(fd, { rights }) {
    return this.#guest.fd_fdstat_set_rights(fd, rights, 0n);
  }

  sync(fd) {
    return this.#guest.fd_sync(fd);
  }

  datasync(fd) {
    return this.#guest.fd_datasync(fd);
  }

  open(fd, { slot, name, oflags, rights, fdflags }) {
    const length = putBytes(this.#memory, PATH, name);
    const errno = this.#guest.path_open(
      PREOPEN,
      0,
      PATH,
      length,
      oflags,
      rights,
      0n,
      fdflags,
      RESULT,
    );
    return this.#answer(errno, () => {
      const opened = u32(this.#memory, RESULT);
      this.#fds.set(slot, opened);
      return opened;
    });
  }

  close(fd, { slot }) {
    this.#fds.delete(slot);
    return this.#guest.fd_close(fd);
  }

  renumber(fd, { slot, to }) {
    const other = this.#fds.get(to) ?? NO_FD;
    const errno = this.#guest.fd_renumber(fd, other);
    if (errno === 0 && slot !== to) this.#fds.delete(slot);
    return errno;
  }

  rename(fd, { name, to }) {
    const length = putBytes(this.#memory, PATH, name);
    const otherLength = putBytes(this.#memory, OTHER_PATH, to);
    return this.#guest.path_rename(
      PREOPEN,
      PATH,
      length,
      PREOPEN,
      OTHER_PATH,
      otherLength,
    );
  }

  unlink(fd, { name }) {
    return this.#guest.path_unlink_file(
      PREOPEN,
      PATH,
      putBytes(this.#memory, PATH, name),
    );
  }

  // Sorts the entries: their order is not fixed.
  readdir() {
    const errno = this.#guest.fd_readdir(PREOPEN, READ, READ_MAX, 0n, RESULT);
    return this.#answer(errno, () => {
      const data = new DataView(this.#memory.buffer);
      const end = READ + u32(this.#memory, RESULT);
      const names = [];
      for (let at = READ; at < end;) {
        const text = at + DIRENT.SIZE;
        const next = text + data.getUint32(at + DIRENT.NAMLEN, true);
        const type = data.getUint8(at + DIRENT.TYPE);
        const name = this.#text(text, next);
        // node:wasi lists neither.
        if (name !== '.' && name !== '..') names.push(`${type} ${name}`);
        at = next;
      }
      return names.sort();
    });
  }

  // A clock that is already due.
  poll() {
    new Uint8Array(this.#memory.buffer).fill(0, SUBSCRIPTION, EVENT);
    return this.#answer(
      this.#guest.poll_oneoff(SUBSCRIPTION, EVENT, 1, RESULT),
      () => u32(this.#memory, RESULT),
    );
  }

  quiet() {
    return [
      this.#guest.clock_time_get(0, 0n, RESULT),
      this.#guest.random_get(RESULT, 8),
      this.#guest.sched_yield(),
    ];
  }

  grow() {
    const before = this.#guest.grow(1);
    new Uint8Array(this.#memory.buffer).set(
      CONTENT.subarray(0, PAGE),
      this.#end,
    );
    this.#end += PAGE;
    return before;
  }

  tick() {
    return null;
  }

  flush() {
    this.#host.flush();
  }

  look() {
    return this.#host.look();
  }

  begin() {
    return NAMES.map((name) => this.unlink(NO_FD, { name }));
  }

  closeFiles() {
    // The last one has no fd, so that there is a call even if nothing is open.
    const slots = [...this.#fds.keys(), NO_FD].filter(
      (slot) => !STDIO.includes(slot),
    );
    return slots.map((slot) =>
      this.close(this.#fds.get(slot) ?? NO_FD, { slot }),
    );
  }
}

/** The rest of a list after its first `count` bytes. */
function without(list, count) {
  return list.flatMap(([at, length]) => {
    const skip = Math.min(count, length);
    count -= skip;
    return length > skip ? [[at + skip, length - skip]] : [];
  });
}

module.exports = { Machine };
