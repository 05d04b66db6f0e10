'use strict';

// Random calls on the numbers of a table that other threads change at the same time.
// A TableLog records them for table-history.js.

const assert = require('node:assert/strict');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { Random } = require('./random');
const { recordOf } = require('./records');
const { OFLAGS, RIGHTS, WHENCE } = require('./session');
const { TableLog } = require('./table-log');
const {
  DIRECTORIES,
  FILES,
  RECORD,
  isFile,
  nameOf,
  placeIn,
} = require('./table-places');

const FD_READDIR = 1n << 14n; // of rights
const SCRATCH = 512; // of the session: for results that nobody reads

// Errnos that may result from any state of a number.
const EXPECTED = new Set([
  ERRNO.SUCCESS,
  ERRNO.BADF,
  ERRNO.INVAL,
  ERRNO.ISDIR,
  ERRNO.NOTDIR,
  ERRNO.NOTCAPABLE,
  ERRNO.SPIPE,
]);

/** Repeats each key of `weights` by its weight. */
const spread = (weights) =>
  Object.entries(weights).flatMap(([name, weight]) => Array(weight).fill(name));

const WEIGHTS = Object.freeze({
  open: 6,
  close: 7,
  renumber: 4,
  write: 8,
  pwrite: 4,
  header: 4,
  inode: 3,
  list: 2,
  read: 2,
  seek: 2,
  tell: 1,
  stat: 2,
});

class TableWalker {
  #session;
  #log;
  #lane;
  #random;
  #plan;

  /**
   * @param {ThreadSession} session
   * @param {object} plan `log`: the data of a TableLog; `lane` in it; `walkers`: how
   *   many there are; `seed`; `count` of calls; `inodes` of the places; `numbers`:
   *   lowest and highest; `weights` of the calls
   */
  constructor(session, plan) {
    this.#session = session;
    this.#log = new TableLog(plan.log);
    this.#lane = plan.lane;
    this.#random = new Random(plan.seed);
    this.#plan = plan;
  }

  run() {
    const { count, walkers, weights = WEIGHTS } = this.#plan;
    const calls = spread(weights);
    this.#log.arrive(walkers);
    for (let i = 0; i < count; i++) this[this.#random.pick(calls)]();
  }

  #number() {
    return this.#random.between(...this.#plan.numbers);
  }

  /** Logs a call that returns an errno, or an errno and what it sees. */
  #logged(kind, a, b, call) {
    const index = this.#log.begin(this.#lane, kind, a, b);
    const outcome = call(index);
    const { errno, value } =
      typeof outcome === 'number' ? { errno: outcome } : outcome;
    assert.ok(EXPECTED.has(errno), `errno ${errno} of ${kind}`);
    this.#log.end(this.#lane, index, errno, value);
    return { errno, value };
  }

  #quiet(call) {
    const errno = call(this.#session.guest, this.#session.base + SCRATCH);
    assert.ok(EXPECTED.has(errno), `errno ${errno}`);
  }

  /** Opens a place. Returns the number. */
  openPlace(place) {
    const session = this.#session;
    const options = isFile(place)
      ? { oflags: 0, rights: RIGHTS.FILE, fdflags: FDFLAGS.APPEND }
      : { oflags: OFLAGS.DIRECTORY, rights: FD_READDIR };
    const { errno, value } = this.#logged('open', place, 0, () => ({
      errno: session.tryOpen(nameOf(place), options),
      value: session.lastFd(),
    }));
    assert.equal(errno, ERRNO.SUCCESS);
    return value;
  }

  #close(fd) {
    this.#logged('close', fd, 0, () => this.#session.guest.fd_close(fd));
  }

  #renumber(from, to) {
    const { guest } = this.#session;
    this.#logged('renumber', from, to, () => guest.fd_renumber(from, to));
  }

  open() {
    const fd = this.openPlace(this.#random.below(FILES + DIRECTORIES));
    if (fd > this.#plan.numbers[1]) this.#close(fd);
  }

  close() {
    this.#close(this.#number());
  }

  renumber() {
    this.#renumber(this.#number(), this.#number());
  }

  /** Opens a file, and renumbers it over some number. */
  replace() {
    this.#renumber(this.openPlace(this.#random.below(FILES)), this.#number());
  }

  #record(index) {
    return recordOf(this.#lane, index, RECORD);
  }

  write() {
    const fd = this.#number();
    this.#logged('write', fd, 0, (index) =>
      this.#session.tryWrite(fd, this.#record(index)),
    );
  }

  pwrite() {
    const fd = this.#number();
    this.#logged('pwrite', fd, 0, (index) => {
      const slot = 1 + this.#lane * this.#log.length + index;
      const offset = BigInt(slot * RECORD);
      return this.#session.tryPwrite(fd, this.#record(index), offset);
    });
  }

  #see(look) {
    const fd = this.#number();
    this.#logged('see', fd, 0, () => look(this.#session, fd));
  }

  header() {
    this.#see((session, fd) => {
      const { errno, text } = session.tryPread(fd, RECORD, 0n);
      return { errno, value: placeIn([text]) };
    });
  }

  inode() {
    this.#see((session, fd) => {
      const { errno, inode } = session.tryInode(fd);
      return { errno, value: this.#plan.inodes.indexOf(inode) };
    });
  }

  list() {
    const size = this.#random.between(128, 1024);
    this.#see((session, fd) => {
      const { errno, entries } = session.tryEntries(fd, size, 0n);
      const names = entries
        .map(({ name }) => name)
        .filter((name) => name !== '.' && name !== '..');
      return { errno, value: placeIn(names) };
    });
  }

  read() {
    const fd = this.#number();
    const { base } = this.#session;
    // Without a buffer: nobody would check the bytes.
    this.#quiet((guest, result) => guest.fd_read(fd, base, 0, result));
  }

  seek() {
    const fd = this.#number();
    const offset = BigInt(this.#random.below(4096));
    this.#quiet((guest, result) =>
      guest.fd_seek(fd, offset, WHENCE.SET, result),
    );
  }

  tell() {
    const fd = this.#number();
    this.#quiet((guest, result) => guest.fd_tell(fd, result));
  }

  stat() {
    const fd = this.#number();
    this.#quiet((guest, result) => guest.fd_fdstat_get(fd, result));
  }
}

module.exports = { TableWalker };
