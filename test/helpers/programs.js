'use strict';

// Random programs of WASI calls, and the machine that runs one in a guest.
//
// A program is a list of operations. It names an fd by a slot, since the
// numbers are the host's to give; a slot without an fd stands for one that is
// not open. Programs of one author are for one guest, one after the other.

const { FDFLAGS } = require('../../lib/preview1');
const { pattern } = require('./bytes');
const { putBytes, putIovs, u32 } = require('./guest');
const { Random } = require('./random');
const { OFLAGS, PREOPEN, RIGHTS, WHENCE } = require('./session');

const PAGE = 65536;

// The guest's memory.
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
const PAGES = 5;

const NAMES = ['a', 'b', 'c', 'd'];
const STDIO = [1, 2];
const SLOTS = [...STDIO, 4, 5, 6, 7];
const LARGEST = 200_000;
const MOST_BUFFERS = 2000;
const NO_FD = 0xffffffff;
const MOST_FDS = 128;

// After these the host sees all that was written.
const FLUSHES = ['closeFiles', 'filestat', 'flush', 'tell', 'tick'];

const FILE_TYPE = 16; // offsets in filestat
const FILE_SIZE = 32;
const DIRENT = { SIZE: 24, NAMLEN: 16, TYPE: 20 };

const CONTENT = pattern((PAGES - 1) * PAGE);

/** Writes more often than all else, and small ones more often than large. */
class Author {
  #random;
  // Those whose fd may append, and those that are likely to have one.
  #append = new Set();
  #open = new Set(STDIO);
  #limit = CONTENT.length;
  #program;

  /** The same programs for the same seed. */
  constructor(seed) {
    this.#random = new Random(seed);
  }

  /** @returns {object[]} operations; the first is `begin`, the last `look` */
  write() {
    const random = this.#random;
    this.#program = [];
    this.#add('begin');
    for (const slot of [4, 5]) this.#openFile(slot);
    for (let left = random.between(3, 20); left > 0; left--) {
      if (random.oneIn(5)) this.#burst();
      else if (random.oneIn(6)) this.#journal();
      else if (random.oneIn(2)) this.#add('write', { list: this.#list() });
      else this.#other();
    }
    this.#look();
    return this.#program;
  }

  #look() {
    const call = this.#random.pick(FLUSHES);
    if (call === 'closeFiles') this.#open = new Set(STDIO);
    this.#add(call);
    this.#add('look');
  }

  #add(call, { slot = this.#slot(), ...values } = {}) {
    this.#program.push({ call, slot, ...values });
  }

  #slot() {
    const random = this.#random;
    if (random.oneIn(100)) return NO_FD;
    return random.pick(
      random.oneIn(20) || this.#open.size === 0 ? SLOTS : [...this.#open],
    );
  }

  #size() {
    const random = this.#random;
    const kind = random.below(200);
    if (kind < 20) return 0;
    if (kind < 120) return random.between(1, 24);
    if (kind < 170) return random.between(1, 300);
    if (kind < 197) return random.between(1, 6000);
    return random.between(1, LARGEST);
  }

  #count() {
    const random = this.#random;
    const kind = random.below(200);
    if (kind < 110) return 1;
    if (kind < 160) return 2;
    if (kind < 195) return random.between(0, 8);
    if (kind < 199) return random.between(9, 100);
    return random.between(900, MOST_BUFFERS);
  }

  // [pointer, length] from DATA on. Node stops at 1,024 empty buffers in a row.
  #list(count = this.#count()) {
    const random = this.#random;
    const list = [];
    let left = LARGEST;
    let end = 0;
    for (let i = 0; i < count; i++) {
      const size =
        count > 8 ? random.between(i % 500 ? 0 : 1, 90) : this.#size();
      const length = Math.min(size, left);
      const at =
        random.oneIn(4) && end + length <= this.#limit
          ? end
          : random.below(this.#limit - length + 1);
      list.push([at, length]);
      left -= length;
      end = at + length;
    }
    return list;
  }

  // As a program writes that has its lines buffered by nobody.
  #burst() {
    const slot = this.#slot();
    for (let i = this.#random.between(2, 10); i > 0; i--) {
      const list = [[this.#random.below(1000), this.#random.between(1, 20)]];
      this.#add('write', { slot, list });
    }
  }

  // As SQLite writes its journal: each goes on where the last one ended.
  #journal() {
    const random = this.#random;
    const slot = this.#slot();
    let offset = BigInt(random.below(50_000));
    for (let i = random.between(1, 8); i > 0; i--) {
      const list = random.oneIn(3)
        ? this.#list()
        : [[random.below(1000), random.pick([4, 8, 12, 200, 4096])]];
      this.#pwrite(slot, list, offset);
      offset += BigInt(list.reduce((sum, [, length]) => sum + length, 0));
      if (random.oneIn(12)) offset += BigInt(random.between(-20, 20));
      if (offset < 0n) offset = 0n;
    }
  }

  // Where an fd appends, Node's fd_pwrite does so too; ours does not.
  #pwrite(slot, list, offset) {
    if (this.#append.has(slot)) this.#add('write', { slot, list });
    else this.#add('pwrite', { slot, list, offset });
  }

  #openFile(slot) {
    const random = this.#random;
    const append = random.oneIn(8);
    const without = random.oneIn(10)
      ? random.pick([
          RIGHTS.FD_READ,
          RIGHTS.FD_WRITE,
          RIGHTS.FD_SEEK,
          RIGHTS.FD_FDSTAT_SET_FLAGS,
          RIGHTS.FD_TELL,
        ])
      : 0n;
    let oflags = OFLAGS.CREAT;
    if (random.oneIn(6)) oflags |= OFLAGS.TRUNC;
    if (random.oneIn(12)) oflags |= OFLAGS.EXCL;
    if (random.oneIn(12)) oflags &= ~OFLAGS.CREAT;
    this.#add('open', {
      slot,
      name: random.pick(NAMES),
      oflags,
      rights: RIGHTS.FILE & ~without,
      fdflags: append ? FDFLAGS.APPEND : 0,
    });
    // A slot in use keeps its old fd where the open fails.
    if (append) this.#append.add(slot);
    this.#open.add(slot);
  }

  #close() {
    const slot = this.#slot();
    this.#open.delete(slot);
    this.#add('close', { slot });
  }

  #renumber() {
    const from = this.#slot();
    const to = this.#slot();
    if (this.#append.has(from)) this.#append.add(to);
    if (from !== to && this.#open.has(to)) this.#open.delete(from);
    this.#add('renumber', { slot: from, to });
  }

  #setFlags() {
    const slot = this.#slot();
    const fdflags = this.#random.pick([0, 0, FDFLAGS.NONBLOCK, FDFLAGS.APPEND]);
    if (fdflags === FDFLAGS.APPEND) this.#append.add(slot);
    this.#add('setFlags', { slot, fdflags });
  }

  #grow() {
    if (!this.#random.oneIn(4)) return;
    this.#add('grow', { slot: 0 });
    this.#limit += PAGE;
  }

  #bad() {
    const random = this.#random;
    const place = random.pick([
      'nwritten',
      'list',
      'buffer',
      'count',
      'offset',
    ]);
    this.#add('bad', {
      place,
      list: this.#list(random.between(1, 4)),
      positioned: place === 'offset' || random.oneIn(2),
    });
  }

  #other() {
    const random = this.#random;
    const name = random.pick(NAMES);
    const offset = BigInt(random.below(20_000));
    const lengths = Array.from({ length: random.between(1, 3) }, () =>
      random.below(3000),
    );
    const others = {
      bad: () => this.#bad(),
      close: () => this.#close(),
      datasync: () => this.#add(random.oneIn(15) ? 'datasync' : 'tell'),
      filestat: () => this.#add('filestat'),
      grow: () => this.#grow(),
      look: () => this.#look(),
      open: () => this.#openFile(random.pick(SLOTS)),
      pread: () => this.#add('pread', { lengths, offset }),
      pwrite: () => this.#pwrite(this.#slot(), this.#list(), offset),
      quiet: () => this.#add('quiet'),
      read: () => this.#add('read', { lengths }),
      readdir: () => this.#add('readdir'),
      rename: () => this.#add('rename', { name, to: random.pick(NAMES) }),
      renumber: () => this.#renumber(),
      pathStat: () => this.#add('pathStat', { name }),
      poll: () => this.#add('poll'),
      seek: () => this.#seek(),
      setFlags: () => this.#setFlags(),
      setRights: () =>
        this.#add('setRights', {
          rights:
            RIGHTS.FILE &
            ~random.pick([
              RIGHTS.FD_SEEK,
              RIGHTS.FD_FDSTAT_SET_FLAGS,
              RIGHTS.FD_WRITE,
            ]),
        }),
      setSize: () => this.#add('setSize', { size: offset }),
      sync: () => this.#add(random.oneIn(15) ? 'sync' : 'tell'),
      tell: () => this.#add('tell'),
      tick: () => this.#add('tick'),
      unlink: () => this.#add('unlink', { name }),
    };
    random.pick(Object.values(others))();
  }

  #seek() {
    const random = this.#random;
    const whence = random.pick(Object.values(WHENCE));
    const low = whence === WHENCE.SET ? 0 : -5000;
    const offset = BigInt(random.between(low, low + 20_000));
    this.#add('seek', { offset, whence });
  }
}

/** Text that tells an operation. */
function textOf(operation) {
  return JSON.stringify(operation, (key, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

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
   * @param {() => unknown} host.look what is to be seen of the guest's files
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

  /** @returns {Promise<string[]>} what each operation gave */
  async run(program) {
    const results = [];
    for (const operation of program) {
      if (operation.call === 'tick') await null;
      results.push(JSON.stringify(this.#do(operation) ?? null));
    }
    return results;
  }

  /** Closes all that may be open, the host's descriptors too. */
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

  // An errno alone, or with what there is when it is SUCCESS.
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

  // A list of more than 1,024 buffers may be cut short: the rest is written
  // with further calls, as writev in libc does it.
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

  // The rest of a filestat differs from file to file.
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

  // In the order of the directory they need not come.
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
        names.push(`${type} ${this.#text(text, next)}`);
        at = next;
      }
      return names.sort();
    });
  }

  // A clock that has run out already.
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
    // The last is none: there is a call also where nothing is open.
    const slots = [...this.#fds.keys(), NO_FD].filter(
      (slot) => !STDIO.includes(slot),
    );
    return slots.map((slot) =>
      this.close(this.#fds.get(slot) ?? NO_FD, { slot }),
    );
  }
}

/** What of a list follows its first `count` bytes. */
function without(list, count) {
  return list.flatMap(([at, length]) => {
    const skip = Math.min(count, length);
    count -= skip;
    return length > skip ? [[at + skip, length - skip]] : [];
  });
}

module.exports = { Author, Machine, textOf };
