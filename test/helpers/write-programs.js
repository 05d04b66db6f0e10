'use strict';

// Random programs of writes, good and hostile, for test/helpers/write-runs.js. A
// program is JSON, so that a failing one can be saved; offsets are strings.

const { FDFLAGS } = require('../../lib/preview1');
const { MEMORY_KINDS } = require('./memory-kinds');
const { Random } = require('./random');
const { RIGHTS } = require('./session');

const PAGE = 65536;
const FIRST_PAGES = 2; // the same as in MEMORY_KINDS
const MOST_PAGES = 8;

const FILES = ['a', 'b', 'c'];
const FDS = [4, 5, 6, 7];
const STDIO = [1, 2];
const HOSTILE_FDS = [0, 3, 8, 1000, 2 ** 20, 2 ** 31, 2 ** 32 - 1];
const HOSTILE_WORDS = [0, 1, 2 ** 29, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const LAST_OFFSET = 2n ** 63n - 1n;
const HOSTILE_OFFSETS = [LAST_OFFSET, 2n ** 63n, 2n ** 64n - 1n];
const LARGEST = 40_000;

const WAYS = ['Output', 'WASI'];
const OPERATIONS = 60;

class Author {
  #random;
  #program;
  #size = FIRST_PAGES * PAGE;
  #ends = new Map(); // where the next fd_pwrite of an fd continues

  constructor(seed) {
    const random = new Random(seed);
    this.#random = random;
    this.#program = {
      way: random.pick(WAYS),
      kind: random.pick(MEMORY_KINDS),
      files: FILES.map(() => random.pick([0, 1, 1000, 30_000])),
      stdout: random.pick(['file', 'file', 'null', 'full']),
      operations: [],
    };
  }

  write() {
    for (const fd of [4, 5]) this.#open(fd);
    for (let i = 0; i < OPERATIONS; i++) {
      if (this.#random.oneIn(4)) this.#other();
      else if (this.#random.oneIn(5)) this.#burst();
      else this.#write();
    }
    return this.#program;
  }

  #add(call, values) {
    this.#program.operations.push({ call, ...values });
  }

  #fd() {
    const random = this.#random;
    if (random.oneIn(25)) return random.pick(HOSTILE_FDS);
    return random.pick(random.oneIn(4) ? STDIO : FDS);
  }

  // A number near a bound of the memory, or far from it.
  #hostileWord() {
    const random = this.#random;
    return random.oneIn(2)
      ? this.#size - random.below(20)
      : (random.pick(HOSTILE_WORDS) + random.below(4)) >>> 0;
  }

  #length() {
    const random = this.#random;
    const kind = random.below(40);
    if (kind < 6) return 0;
    if (kind < 26) return random.between(1, 24);
    if (kind < 38) return random.between(1, 3000);
    return random.between(1, LARGEST);
  }

  // Buffers; some touch or overlap, or reach the end of the memory.
  #buffers(count) {
    const random = this.#random;
    const most = random.oneIn(5) ? 1500 : 60; // in a long list
    const list = [];
    let end = 0;
    for (let i = 0; i < count; i++) {
      const length = count > 20 ? random.below(most) : this.#length();
      let at = random.below(this.#size - length + 1);
      if (random.oneIn(3) && end + length <= this.#size) at = end;
      else if (random.oneIn(12)) at = this.#size - length;
      list.push([at, length]);
      end = at + length;
    }
    return list;
  }

  #count() {
    const random = this.#random;
    const kind = random.below(200);
    if (kind < 80) return 1;
    if (kind < 150) return 2;
    if (kind < 194) return random.between(0, 12);
    if (kind < 198) return random.between(20, 300);
    return random.between(1000, 1300);
  }

  /** A valid call. */
  #call(fd = this.#fd()) {
    const random = this.#random;
    const buffers = this.#buffers(this.#count());
    const room = this.#size - 8 * buffers.length;
    const call = {
      fd,
      iovs: random.oneIn(12) ? room : random.below(room + 1),
      count: buffers.length,
      nwritten: random.oneIn(12)
        ? this.#size - 4
        : random.below(this.#size - 3),
      buffers,
    };
    if (random.oneIn(3)) call.offset = this.#offset(call);
    return call;
  }

  #offset({ fd, buffers }) {
    const random = this.#random;
    const offset = random.oneIn(2)
      ? (this.#ends.get(fd) ?? 0n)
      : random.oneIn(40)
        ? LAST_OFFSET
        : BigInt(random.below(50_000));
    const total = buffers.reduce((sum, [, length]) => sum + length, 0);
    this.#ends.set(fd, BigInt.asUintN(64, offset + BigInt(total)));
    return String(offset);
  }

  #write() {
    const call = this.#call();
    while (this.#random.oneIn(4)) this.#spoil(call);
    this.#add('write', call);
  }

  #spoil(call) {
    const random = this.#random;
    const element = random.pick(call.buffers.length ? call.buffers : [[]]);
    const spoils = [
      () => (call.nwritten = this.#hostileWord()),
      () => (call.iovs = this.#hostileWord()),
      () => (call.count = this.#hostileWord()),
      () => (call.count = (call.count + random.between(1, 3)) >>> 0),
      () => (element[0] = this.#hostileWord()),
      () => (element[1] = this.#hostileWord()),
      () => (call.nwritten = (call.iovs + random.below(16)) >>> 0),
      () => (call.nwritten = call.buffers[0]?.[0] ?? 0),
      () => (call.offset = String(random.pick(HOSTILE_OFFSETS))),
      () => this.#exceed32Bits(call),
    ];
    random.pick(spoils)();
  }

  // Lists the whole memory so often that the sum exceeds 32 bits.
  #exceed32Bits(call) {
    const count = Math.floor(2 ** 32 / this.#size) + 1;
    if (count * 8 > this.#size) return;
    Object.assign(call, { iovs: 0, count, buffers: [[0, this.#size]] });
    call.times = count;
  }

  // Small writes one after the other, as a buffer collects them.
  #burst() {
    const random = this.#random;
    const fd = this.#fd();
    for (let i = random.between(2, 8); i > 0; i--) {
      const call = this.#call(fd);
      call.buffers = [[random.below(1000), random.between(1, 30)]];
      call.count = 1;
      if (call.offset !== undefined) call.offset = this.#offset(call);
      this.#add('write', call);
    }
  }

  #open(fd) {
    const random = this.#random;
    const without = random.oneIn(6)
      ? random.pick([
          RIGHTS.FD_WRITE,
          RIGHTS.FD_SEEK,
          RIGHTS.FD_READ,
          RIGHTS.FD_FDSTAT_SET_FLAGS,
        ])
      : 0n;
    this.#add('open', {
      fd,
      name: random.pick(FILES),
      append: random.oneIn(4),
      readOnly: random.oneIn(12),
      rights: String(RIGHTS.FILE & ~without),
    });
  }

  #grow() {
    if (this.#size === MOST_PAGES * PAGE) return;
    this.#size += PAGE;
    this.#add('grow');
  }

  #other() {
    const random = this.#random;
    const fd = random.pick(FDS);
    const pick = [
      () => this.#open(fd),
      () => this.#open(fd),
      () => this.#add('alias', { fd, of: random.pick(FDS) }),
      () => this.#add('close', { fd }),
      () => this.#grow(),
      () => this.#add('look'),
      () => this.#add('look'),
      () => this.#add('flush'),
      () => this.#add('tick'),
      () => this.#seek(fd),
      () => this.#seek(fd),
      () =>
        this.#add('setFlags', {
          fd,
          fdflags: random.pick([0, 0, FDFLAGS.NONBLOCK, FDFLAGS.APPEND]),
        }),
      () =>
        this.#add('setRights', {
          fd,
          rights: String(
            RIGHTS.FILE &
              ~random.pick([RIGHTS.FD_SEEK, RIGHTS.FD_WRITE, 0n, 0n]),
          ),
        }),
    ];
    random.pick(pick)();
  }

  #seek(fd) {
    const random = this.#random;
    const tell = random.oneIn(2);
    this.#add('seek', {
      fd,
      tell,
      distance: tell ? 0 : random.between(-2000, 40_000),
      whence: tell ? 1 : random.below(3),
      result: random.below(this.#size - 7),
    });
  }
}

/** @returns {object} the same program for the same seed */
const writeProgram = (seed) => new Author(seed).write();

module.exports = { FILES, writeProgram };
