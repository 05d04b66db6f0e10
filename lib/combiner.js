'use strict';

// Buffered writes: one staging buffer, for one fd at a time, that is written out
// before anything could see that it was not. docs/buffering.md has the rules.
//
// src/combiner.wat does the plain case without leaving WebAssembly, where the
// engine has several memories; lib/stage.js does it elsewhere. Both share the
// header, and leave all else to `Combiner.write`.

const fs = require('node:fs');
const path = require('node:path');
const { inspect } = require('node:util');
const { withCode } = require('./errors');
const { GuestMemory, createList, isShared } = require('./memory');
const {
  CALLS,
  CAPACITY,
  END,
  HEADER,
  PWRITE_FD,
  USED,
  WRITE_FD,
  createStage,
} = require('./stage');
const { isTraced, publish } = require('./trace');
const { ERRNO, ERRNO_NAMES, areNumbers } = require('./preview1');

const PAGE = 65536;

const wasm = new Map();

/** The compiled module of src/NAME.wasm. */
function moduleOf(name) {
  if (!wasm.has(name)) {
    const file = path.join(__dirname, '..', 'src', `${name}.wasm`);
    wasm.set(name, new WebAssembly.Module(fs.readFileSync(file)));
  }
  return wasm.get(name);
}

const TWO_MEMORIES = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic number, version
  ...[5, 5, 2, 0, 0, 0, 0],
);

let multiMemory;

/** Whether a module can have several memories. The first look takes a while. */
function hasMultiMemory() {
  multiMemory ??= WebAssembly.validate(TWO_MEMORIES);
  return multiMemory;
}

// What stands for the memory of a guest that has not given its own.
let noMemory;

// Bytes that wait for a flush hold their combiner here, so that the end of the
// process finds it.
const waiting = new Set();
let listening = false;

// From then on no microtask will come to flush: nothing is staged any more.
let exiting = false;

// The process ends: a stream would be too late.
function warn(text) {
  try {
    fs.writeSync(2, text);
  } catch {
    // Nobody is left to be told.
  }
}

function warnOf(unwritten) {
  for (const { fd, code, pending } of unwritten) {
    warn(
      `wasi-writev: ${pending} bytes for guest fd ${fd} could not be ` +
        `written: ${code}\n`,
    );
  }
}

/** Writes out what every guest of this thread has staged, before it ends. */
function flushAtExit() {
  exiting = true;
  for (const combiner of waiting) {
    combiner.flushAll();
    warnOf(combiner.unwritten());
    combiner.warnOfThrown();
  }
}

/**
 * @typedef {object} Backlog what a failed flush left
 * @property {Uint8Array} bytes
 * @property {bigint | undefined} offset of an fd_pwrite
 * @property {number} errno
 */

class Combiner {
  #output;
  #memory = new GuestMemory();
  #i32;
  #i64;
  #data;
  #staging;
  #table;
  #scheduled = false;
  #isOut = true; // what is flushed has left the staging buffer
  #backlogs = new Map();
  #capacity = 0;
  #bytes = 0;
  #calls = 0;
  #seenCalls = 0;

  /** What is staged. Never moves. */
  get data() {
    return this.#data;
  }

  /** How many times staged bytes were written out. */
  flushes = 0;

  /**
   * @param {number} size bytes that are staged at the most
   * @param {object} output lib/output.js
   */
  constructor(size, output) {
    this.#output = output;
    const buffer = this.#allocate(size);
    this.#i32 = new Int32Array(buffer, 0, HEADER / 4);
    this.#i64 = new BigInt64Array(buffer, 0, HEADER / 8);
    this.#data = new Uint8Array(buffer, HEADER, size);
    this.#reset();
    this.#makeImports();
  }

  #allocate(size) {
    const length = HEADER + size;
    try {
      if (!hasMultiMemory()) return new ArrayBuffer(length);
      const pages = Math.ceil(length / PAGE);
      this.#staging = new WebAssembly.Memory({
        initial: pages,
        maximum: pages,
      });
      return this.#staging.buffer;
    } catch (cause) {
      throw withCode(
        new RangeError(
          `There is no memory for options.bufferSize: ${size} bytes`,
          { cause },
        ),
        'ERR_MEMORY_ALLOCATION_FAILED',
      );
    }
  }

  // The fd fields have 64 bits, so that no fd of a guest is the -1 of no fd.

  #isStaged(field, fd) {
    return this.#i32[field] === (fd | 0) && this.#i32[field + 1] === 0;
  }

  #setStaged(field, fd) {
    this.#i32[field] = fd;
    this.#i32[field + 1] = 0;
  }

  #reset() {
    this.#i32.fill(-1, WRITE_FD, PWRITE_FD + 2);
    this.#i32[USED] = 0;
    this.#i32[CAPACITY] = 0;
    this.#capacity = 0;
  }

  // The guest is linked before its memory is known: it gets a trampoline, and
  // that calls a combiner over no memory at first.
  #makeImports() {
    if (!hasMultiMemory()) {
      const { fd_write, fd_pwrite } = createStage(
        this.#i32,
        this.#i64,
        this.#data,
        this.#memory,
        (fd, iovs, iovsLen, nwritten, offset) =>
          this.#call(fd, iovs, iovsLen, nwritten, offset),
      );
      this.fd_write = fd_write;
      this.fd_pwrite = fd_pwrite;
      return;
    }
    this.#table = new WebAssembly.Table({
      element: 'anyfunc',
      initial: 2,
      maximum: 2,
    });
    noMemory ??= new WebAssembly.Memory({ initial: 0 });
    this.#link(noMemory);
    const { exports } = new WebAssembly.Instance(moduleOf('trampoline'), {
      host: { table: this.#table },
    });
    this.fd_write = exports.fd_write;
    this.fd_pwrite = exports.fd_pwrite;
  }

  #link(memory) {
    const module = moduleOf(isShared(memory) ? 'combiner-shared' : 'combiner');
    const { exports } = new WebAssembly.Instance(module, {
      guest: { memory },
      host: {
        fd_write: (fd, iovs, iovsLen, nwritten) =>
          this.#call(fd, iovs, iovsLen, nwritten),
        fd_pwrite: (fd, iovs, iovsLen, offset, nwritten) =>
          this.#call(fd, iovs, iovsLen, nwritten, offset),
        memory: this.#staging,
      },
    });
    this.#table.set(0, exports.fd_write);
    this.#table.set(1, exports.fd_pwrite);
  }

  setMemory(memory) {
    this.flush();
    this.#memory.set(memory);
    if (hasMultiMemory()) this.#link(memory);
  }

  // Everything else.

  #call(fd, iovs, iovsLen, nwritten, offset) {
    const errno = this.#slow(fd, iovs, iovsLen, nwritten, offset);
    if (isTraced()) {
      publish(this.#memory, fd, iovsLen, nwritten, errno, offset);
    }
    return errno;
  }

  #slow(fd, iovs, iovsLen, nwritten, offset) {
    if (!areNumbers(fd, iovs, iovsLen, nwritten)) return ERRNO.INVAL;
    if (offset !== undefined) {
      if (typeof offset !== 'bigint') return ERRNO.INVAL;
      offset = BigInt.asIntN(64, offset);
    }
    if (
      exiting ||
      this.#output.capacity(fd >>> 0, offset !== undefined) === 0
    ) {
      return (
        this.before(fd) ||
        this.#output.writeNow(fd, iovs, iovsLen, nwritten, offset)
      );
    }
    const list = createList();
    const errno = this.#check(iovs, iovsLen, nwritten, offset, list);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (list.total === 0) {
      // Another thread may have put bytes in the list since, and what is staged
      // goes before them.
      return this.#output.writeNow(fd, iovs, 0, nwritten, offset);
    }
    return (
      this.#makeRoom(fd, list.total, offset) ||
      this.#stageOrWrite(fd, iovs, iovsLen, nwritten, offset, list)
    );
  }

  #check(iovs, iovsLen, nwritten, offset, list) {
    const errno = this.#memory.readList(iovs, iovsLen, nwritten, list);
    if (errno !== ERRNO.SUCCESS) return errno;
    // From 2^63 on, seen as i64.
    return offset !== undefined && offset < 0n ? ERRNO.INVAL : ERRNO.SUCCESS;
  }

  // Makes sure that what follows goes behind all that is staged, and that this
  // fd has nothing left from a flush that failed.
  #makeRoom(fd, total, offset) {
    const i32 = this.#i32;
    const positioned = offset !== undefined;
    const field = positioned ? PWRITE_FD : WRITE_FD;
    const continues =
      this.#isStaged(field, fd) && (!positioned || this.#i64[END] === offset);
    if (continues && total <= this.#capacity - i32[USED]) return ERRNO.SUCCESS;
    const errno = this.before(fd);
    if (errno !== ERRNO.SUCCESS) return errno;
    // First: the guest may have filled the stack, and end here.
    this.#schedule();
    this.#setStaged(field, fd);
    if (positioned) this.#i64[END] = offset;
    this.#capacity = this.#output.capacity(fd >>> 0, positioned);
    // Somebody who listens is told of each call: with no room in the header, the
    // plain case is none, and all come here.
    i32[CAPACITY] = isTraced() ? 0 : this.#capacity;
    return ERRNO.SUCCESS;
  }

  #stageOrWrite(fd, iovs, iovsLen, nwritten, offset, list) {
    const i32 = this.#i32;
    const { pointers, lengths, count, total } = list;
    const room = this.#capacity - i32[USED];
    if (total > room || (i32[USED] === 0 && total === this.#data.length)) {
      this.#reset();
      return this.#output.writeNow(fd, iovs, iovsLen, nwritten, offset);
    }
    let to = i32[USED];
    for (let i = 0; i < count; i++) {
      // The flush before may have let the guest grow its memory.
      this.#memory.has(pointers[i], lengths[i]);
      this.#memory.copy(pointers[i], lengths[i], this.#data, to);
      to += lengths[i];
    }
    i32[USED] = to;
    i32[CALLS]++;
    if (offset !== undefined) this.#i64[END] += BigInt(total);
    this.#memory.setU32(nwritten, total);
    return ERRNO.SUCCESS;
  }

  // Whatever returns to JS and lets it come to an end flushes. An fd is only in
  // the header while this is scheduled.
  #schedule() {
    waiting.add(this);
    if (!listening) {
      // Before those of others: one that throws, or exits, ends the turn of the rest.
      process.prependListener('exit', flushAtExit);
      listening = true;
    }
    if (this.#scheduled) return;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
      // Nobody is there to catch it.
      this.#output.rethrow();
    });
    this.#scheduled = true;
  }

  /**
   * Writes out what is staged. What cannot be written is kept.
   *
   * @returns {{ fd: number, errno: number }} what was staged, and how it went
   */
  flush() {
    const result = this.#flushOnce();
    // A target may be a function, and that may call the guest, which writes.
    while (this.#i32[USED] !== 0) this.#flushOnce();
    if (this.#backlogs.size === 0) waiting.delete(this);
    return result;
  }

  #flushOnce() {
    const i32 = this.#i32;
    const positioned = i32[PWRITE_FD + 1] === 0;
    const field = positioned ? PWRITE_FD : WRITE_FD;
    const fd = i32[field] >>> 0;
    const used = i32[USED];
    const room = i32[CAPACITY];
    const end = this.#i64[END];
    const capacity = this.#capacity;
    const offset = positioned
      ? BigInt.asIntN(64, end - BigInt(used)) // END may be 2^63
      : undefined;
    this.#reset();
    this.#isOut = used === 0;
    try {
      const errno = this.#isOut ? ERRNO.SUCCESS : this.#drain(fd, used, offset);
      return { fd, errno };
    } finally {
      // The guest has filled the stack: nothing was written. No call has room
      // here either.
      if (!this.#isOut) {
        i32[USED] = used;
        i32[CAPACITY] = room;
        this.#capacity = capacity;
        i32[field] = fd;
        i32[field + 1] = 0;
        this.#i64[END] = end;
      }
    }
  }

  #drain(fd, used, offset) {
    this.flushes++;
    this.stats();
    const { errno, done } = this.#output.drain(fd, this.#data, used, offset);
    this.#isOut = true;
    this.#bytes += done;
    this.#backlogs.delete(fd);
    if (errno === ERRNO.PIPE) this.#output.pipeClosed(fd);
    if (done === used) return ERRNO.SUCCESS;
    // A function that threw is not called again: its caller has the error.
    if (!this.#output.canRetry(fd)) return errno;
    this.#backlogs.set(fd, {
      bytes: this.#data.slice(done, used),
      offset: offset === undefined ? undefined : offset + BigInt(done),
      errno,
    });
    return errno;
  }

  /**
   * Before anything that could see what is staged.
   *
   * @param {number} [fd] the guest fd that it is about, if there is one
   * @returns {number} the errno of a flush that failed on that fd: then `fd` still
   *   has bytes to write, and what was wanted must not happen
   */
  before(fd) {
    const flushed = this.flush();
    // Nor is there one where a guest passed an i64.
    if (typeof fd !== 'number') return ERRNO.SUCCESS;
    if (flushed.errno !== ERRNO.SUCCESS && flushed.fd === fd >>> 0) {
      return flushed.errno;
    }
    if (!this.#backlogs.has(fd >>> 0)) return ERRNO.SUCCESS;
    return this.#retry(fd >>> 0);
  }

  // Only while nothing is staged.
  #retry(fd) {
    const { bytes, offset } = this.#backlogs.get(fd);
    this.#data.set(bytes);
    return this.#drain(fd, bytes.length, offset);
  }

  /** Writes out all that can be, also what a flush has left. */
  flushAll() {
    const { fd, errno } = this.flush();
    for (const left of [...this.#backlogs.keys()]) {
      if (errno === ERRNO.SUCCESS || left !== fd) this.#retry(left);
    }
    if (this.#backlogs.size === 0) waiting.delete(this);
  }

  /** What could not be written: the guest's fd, the reason, and how much. */
  unwritten() {
    return [...this.#backlogs].map(([fd, { bytes, errno }]) => ({
      fd,
      errno,
      code: `E${ERRNO_NAMES[errno]}`,
      pending: bytes.length,
    }));
  }

  /** Prints what a function target threw, which nobody else will be told of. */
  warnOfThrown() {
    try {
      this.#output.rethrow();
    } catch (error) {
      warn(`wasi-writev: a target threw ${inspect(error)}\n`);
    }
  }

  /** Gives up what could not be written to one fd. */
  forget(fd) {
    this.#backlogs.delete(fd);
    if (this.#backlogs.size === 0) waiting.delete(this);
  }

  /** Gives up all that could not be written. */
  discard() {
    for (const fd of this.#backlogs.keys()) this.forget(fd);
  }

  /**
   * The same, with a word about it on stderr.
   *
   * @param {number} [told] the guest fd that the caller has been told of
   */
  abandon(told) {
    warnOf(this.unwritten().filter(({ fd }) => fd !== told));
    this.discard();
  }

  /** Calls staged, and bytes of theirs that were written out. */
  stats() {
    // The counter wraps; it is looked at at least once for each flush.
    this.#calls += (this.#i32[CALLS] - this.#seenCalls) >>> 0;
    this.#seenCalls = this.#i32[CALLS];
    return { calls: this.#calls, bytes: this.#bytes + this.#i32[USED] };
  }
}

module.exports = { Combiner, flushAtExit };
