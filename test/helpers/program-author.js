'use strict';

// Writes random programs of WASI calls.

const { FDFLAGS } = require('../../lib/preview1');
const { CONTENT, NAMES, NO_FD, PAGE, STDIO } = require('./programs');
const { Random } = require('./random');
const { OFLAGS, RIGHTS, WHENCE } = require('./session');

const SLOTS = [...STDIO, 4, 5, 6, 7];
const LARGEST = 200_000;
const MOST_BUFFERS = 2000;

// After these calls the host sees all that was written.
const FLUSHES = ['closeFiles', 'filestat', 'flush', 'tell', 'tick'];

/** Prefers writes to other calls, and small writes to large ones. */
class Author {
  #random;
  // The slots whose fd may append; the slots that probably have an fd.
  #append = new Set();
  #open = new Set(STDIO);
  #limit = CONTENT.length;
  #program;

  /** The same seed gives the same programs. */
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

  // [pointer, length] from DATA on. Node rejects more than 1,024 empty buffers in a
  // row.
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

  // Like a program that does not buffer its lines.
  #burst() {
    const slot = this.#slot();
    for (let i = this.#random.between(2, 10); i > 0; i--) {
      const list = [[this.#random.below(1000), this.#random.between(1, 20)]];
      this.#add('write', { slot, list });
    }
  }

  // Like SQLite's journal: each write continues the last one.
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

  // In append mode Node's fd_pwrite appends; ours does not.
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
    // If the open fails, a slot in use keeps its old fd.
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
    // Not APPEND: Node also sets it on descriptions of the caller's.
    const fdflags = this.#random.pick([0, 0, FDFLAGS.NONBLOCK]);
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
          rights: RIGHTS.FILE & ~random.pick([RIGHTS.FD_SEEK, RIGHTS.FD_WRITE]),
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

module.exports = { Author };
