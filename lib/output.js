'use strict';

// Where a guest's writes go: an engine for host descriptors, targets for all
// else, and the combiner in front of both where writes are buffered.

const { Combiner } = require('./combiner');
const { createEngine } = require('./engine');
const { withCode } = require('./errors');
const { GuestMemory, createList } = require('./memory');
const { Capture, createTarget } = require('./targets');
const { fdPwrite, fdWrite, publish } = require('./trace');
const { ENTRY, ERRNO } = require('./preview1');

const STDERR = 2;

// A target gets one call's bytes as one chunk up to this size.
const CHUNK_MAX = 16 * 2 ** 20;

/**
 * The error for bytes that a flush could not write.
 *
 * @param {{ fd: number, errno: number, code: string, pending: number }} left
 */
function flushError({ fd, errno, code, pending }) {
  const error = withCode(
    new Error(`${pending} bytes for guest fd ${fd} could not be written`),
    code,
  );
  return Object.assign(error, { errno, fd, pending });
}

const neededRights = (positioned) =>
  positioned ? ENTRY.MAY_WRITE | ENTRY.MAY_SEEK : ENTRY.MAY_WRITE;

class Output {
  #buffered;
  #combiner;
  #guestTargets = new Map();
  #memory = new GuestMemory();
  #next;
  #options;
  #pipeClosed;
  #prepare;
  #size;
  #stats = { calls: 0, bytes: 0 };
  #thrown = [];
  #told; // the fd of the last error for bytes that are left

  /**
   * @param {object} options checked, as lib/options.js gives them
   * @param {object} host
   * @param {Function} host.next a write that has nowhere to go here
   * @param {(fd: number) => void} [host.prepare] before it is asked whether an fd
   *   is buffered
   * @param {(fd: number) => void} [host.pipeClosed] a write found that nobody
   *   reads any more; may throw through the guest
   * @param {boolean} staging whether writes go through a combiner
   */
  constructor(options, { next, prepare, pipeClosed }, staging) {
    this.#options = options;
    this.#buffered = options.buffered;
    this.#size = options.bufferSize;
    this.#next = next;
    this.#prepare = prepare;
    this.#pipeClosed = pipeClosed;
    this.engine = createEngine(options.waitTimeout, (...call) =>
      this.#unmapped(...call),
    );
    if (staging) this.#combiner = new Combiner(options.bufferSize, this);
    const { fd_write, fd_pwrite } = this.#combiner ?? this.#traced(this.engine);
    this.fd_write = fd_write;
    this.fd_pwrite = fd_pwrite;
  }

  // The imports without a combiner. Hot.
  #traced({ fd_write, fd_pwrite }) {
    const memory = this.#memory;
    const pipeClosed = this.#pipeClosed;
    return {
      fd_write(fd, iovs, iovsLen, nwritten) {
        const errno = fd_write(fd, iovs, iovsLen, nwritten);
        if (fdWrite.hasSubscribers) {
          publish(memory, fd, iovsLen, nwritten, errno);
        }
        if (errno === ERRNO.PIPE) pipeClosed?.(fd);
        return errno;
      },

      fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
        const errno = fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
        if (fdPwrite.hasSubscribers) {
          publish(memory, fd, iovsLen, nwritten, errno, offset);
        }
        return errno;
      },
    };
  }

  setMemory(memory) {
    this.#combiner?.setMemory(memory);
    this.#memory.set(memory);
    this.engine.setMemory(memory);
  }

  // The table. What changes it flushes first.

  /** @returns {object | undefined} the target, where it is no host descriptor */
  map(fd, target, flags) {
    this.unmap(fd);
    if (typeof target === 'number') {
      this.engine.map(fd, target, flags);
      return undefined;
    }
    const made = createTarget(target, this.#options, (error) =>
      this.#thrown.push(error),
    );
    this.#guestTargets.set(fd, { target: made, flags });
    return made;
  }

  unmap(fd) {
    this.#combiner?.flush();
    this.engine.unmap(fd);
    this.#guestTargets.delete(fd);
  }

  move(from, to) {
    this.#combiner?.flush();
    this.engine.move(from, to);
    const entry = this.#guestTargets.get(from);
    this.#guestTargets.delete(from);
    this.#guestTargets.delete(to);
    if (entry !== undefined) this.#guestTargets.set(to, entry);
  }

  setFlags(fd, flags) {
    this.#combiner?.flush();
    this.engine.setFlags(fd, flags);
    const entry = this.#guestTargets.get(fd);
    if (entry !== undefined) entry.flags = flags;
  }

  close() {
    this.engine.close();
    this.#guestTargets.clear();
  }

  targetOf(fd) {
    return this.#guestTargets.get(fd)?.target;
  }

  // What the combiner asks for.

  /** How many bytes of an fd may be staged; 0 for one that is not buffered. */
  capacity(fd, positioned) {
    const to = this.#guestTargets.get(fd);
    if (to !== undefined) return this.#targetCapacity(fd, to, positioned);
    if (this.#buffered === false || fd === STDERR) return 0;
    this.#prepare?.(fd);
    const entry = this.engine.kind(fd);
    if (entry === undefined) return 0;
    const needed = neededRights(positioned);
    const unfit = ENTRY.NONBLOCK | ENTRY.READ_ONLY;
    if ((entry.flags & (needed | unfit)) !== needed) return 0;
    if (entry.file) return this.#size;
    return this.#buffered === true && !positioned ? this.#size : 0;
  }

  #targetCapacity(fd, { target, flags }, positioned) {
    if (positioned || !(flags & ENTRY.MAY_WRITE)) return 0;
    if (target.failed || target.over) return 0;
    // Nobody sees a capture before it is read, so it is staged in any case.
    if (target instanceof Capture) return Math.min(this.#size, target.room);
    return this.#buffered === true && fd !== STDERR ? this.#size : 0;
  }

  /** A write that is not staged. */
  writeNow(fd, iovs, iovsLen, nwritten, offset) {
    const errno = this.#writeNow(fd, iovs, iovsLen, nwritten, offset);
    if (errno === ERRNO.PIPE) this.#pipeClosed?.(fd);
    return errno;
  }

  #writeNow(fd, iovs, iovsLen, nwritten, offset) {
    return offset === undefined
      ? this.engine.fd_write(fd, iovs, iovsLen, nwritten)
      : this.engine.fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
  }

  /** Writes the first `length` bytes of the staging memory. */
  drain(fd, staging, length, offset) {
    const target = this.targetOf(fd);
    if (target === undefined) {
      return this.engine.drain(fd, 0, length, offset);
    }
    const done = target.write(staging.subarray(0, length));
    return { errno: target.errno, done };
  }

  /** A flush found that nobody reads an fd any more. */
  pipeClosed(fd) {
    if (this.targetOf(fd) === undefined) this.#pipeClosed?.(fd);
  }

  /** Whether bytes that an fd did not take may be tried again. */
  canRetry(fd) {
    return this.targetOf(fd)?.failed !== true;
  }

  // A write to an fd that the engine does not have.
  #unmapped(fd, iovs, iovsLen, nwritten, offset) {
    const entry = this.#guestTargets.get(fd >>> 0);
    return entry === undefined
      ? this.#next(fd, iovs, iovsLen, nwritten, offset)
      : this.#writeTarget(entry, iovs, iovsLen, nwritten, offset);
  }

  #writeTarget({ target, flags }, iovs, iovsLen, nwritten, offset) {
    const memory = this.#memory;
    const needed = neededRights(offset !== undefined);
    if ((flags & needed) !== needed) return ERRNO.NOTCAPABLE;
    const list = createList();
    const errno = memory.readList(iovs, iovsLen, nwritten, list);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (offset !== undefined) {
      return BigInt.asIntN(64, offset) < 0n ? ERRNO.INVAL : ERRNO.SPIPE;
    }
    const taken = this.#writeBuffers(target, list);
    if (taken === undefined) return target.errno;
    memory.setU32(nwritten, taken);
    this.#stats.calls++;
    this.#stats.bytes += taken;
    return ERRNO.SUCCESS;
  }

  // One chunk for one call, unless that were too large. Undefined when the target
  // took nothing.
  #writeBuffers(target, { pointers, lengths, count, total }) {
    const memory = this.#memory;
    if (total === 0) return 0;
    const chunk = new Uint8Array(Math.min(total, CHUNK_MAX));
    let used = 0;
    let taken = 0;
    for (let i = 0; i < count; i++) {
      for (let from = 0; from < lengths[i];) {
        const part = Math.min(lengths[i] - from, chunk.length - used);
        const at = pointers[i] + from;
        // A target may be a function that lets the guest grow its memory.
        memory.has(at, part);
        memory.copy(at, part, chunk, used);
        used += part;
        from += part;
        const last = i === count - 1 && from === lengths[i];
        if (used < chunk.length && !last) continue;
        const done = target.write(chunk.subarray(0, used));
        taken += done;
        if (done < used) return taken === 0 ? undefined : taken;
        used = 0;
      }
    }
    return taken;
  }

  // Flushing.

  /**
   * Before a call of the guest that could see what is staged.
   *
   * @returns {number} an errno that the guest must get in place of the call
   */
  before(fd) {
    return this.#combiner === undefined
      ? ERRNO.SUCCESS
      : this.#combiner.before(fd);
  }

  /** Writes out all that can be. */
  settle() {
    this.#combiner?.flushAll();
  }

  /** Forgets what could not be written. */
  abandon() {
    this.#combiner?.abandon(this.#told);
  }

  /** Throws the error of `flushError`, and `details`, where bytes are left. */
  throwUnwritten(details) {
    const left = this.#combiner?.unwritten()[0];
    if (left === undefined) return;
    this.#told = left.fd;
    // This was the word about it.
    if (this.targetOf(left.fd)?.over) this.#combiner.forget(left.fd);
    throw Object.assign(flushError(left), details);
  }

  /** Writes out what is staged. Throws what went wrong. */
  flush() {
    this.settle();
    this.rethrow();
    this.throwUnwritten();
  }

  /** Writes out what can be, and gives up the rest: returns its bytes. */
  discard() {
    this.settle();
    const left = this.#combiner?.unwritten() ?? [];
    this.#combiner?.discard();
    return left.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** What a target has captured, or `null` if it is no capture. */
  captured(target) {
    if (!(target instanceof Capture)) return null;
    this.#combiner?.flush();
    return target.read();
  }

  /** Throws the first thing that code of the user's threw in a write, once. */
  rethrow() {
    if (this.#thrown.length === 0) return;
    const [error] = this.#thrown;
    this.#thrown.length = 0;
    throw error;
  }

  stats() {
    const engine = this.engine.stats();
    const staged = this.#combiner?.stats() ?? { calls: 0, bytes: 0 };
    const direct = this.#stats;
    return {
      calls: engine.calls + staged.calls + direct.calls,
      bytes: engine.bytes + staged.bytes + direct.bytes,
      native: engine.calls,
      staged: staged.calls,
      flushes: this.#combiner?.flushes ?? 0,
    };
  }
}

module.exports = { Output };
