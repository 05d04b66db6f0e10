'use strict';

// Where a guest's writes go: its host for descriptors, targets for all else, and the
// combiner in front of both where writes are buffered.

const { Combiner } = require('./combiner');
const { withCode } = require('./errors');
const { GuestMemory, createList } = require('./memory');
const { Capture } = require('./targets');
const { fdPwrite, fdWrite, publish } = require('./trace');
const { ERRNO } = require('./preview1');

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

class Output {
  #buffered;
  #combiner;
  #direct;
  #memory = new GuestMemory();
  #next;
  #pipeClosed;
  #size;
  #stats = { calls: 0, bytes: 0 };
  #targets;
  #told; // the fd of the last error for bytes that are left

  /**
   * @param {object} options checked, as lib/options.js gives them
   * @param {import('./targets').TargetList} targets
   * @param {object} hooks
   * @param {(deliver: Function) => object} hooks.createHost see lib/engine.js
   * @param {boolean} hooks.captures whether one of the targets is a capture
   * @param {Function} [hooks.next] a write to an fd that is not open
   * @param {(fd: number) => void} [hooks.pipeClosed] a write found that nobody
   *   reads any more; may throw through the guest
   */
  constructor(options, targets, { createHost, captures, next, pipeClosed }) {
    this.#buffered = options.buffered;
    this.#size = options.bufferSize;
    this.#targets = targets;
    this.#next = next;
    this.#pipeClosed = pipeClosed;
    /** Whether writes go through a combiner. */
    this.buffers = options.buffered !== false || captures;
    // Before there is a host: it may fail, and has nothing to close then.
    if (this.buffers) this.#combiner = new Combiner(options.bufferSize, this);
    this.host = createHost((...call) => this.#deliver(...call));
    if (this.buffers) this.host.setBuffer(this.#combiner.data);
    const { fd_write, fd_pwrite } = this.#combiner ?? this.#traced();
    this.fd_write = fd_write;
    this.fd_pwrite = fd_pwrite;
  }

  // The imports without a combiner. Hot.
  #traced() {
    const { fd_write, fd_pwrite } = this.#withNext(this.host.imports);
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

  // What is not open here may be another WASI's.
  #withNext({ fd_write, fd_pwrite }) {
    const next = this.#next;
    if (next === undefined) return { fd_write, fd_pwrite };
    const isElsewhere = (errno, fd) =>
      errno === ERRNO.BADF && this.host.describe(fd) === undefined;
    return {
      fd_write(fd, iovs, iovsLen, nwritten) {
        const errno = fd_write(fd, iovs, iovsLen, nwritten);
        return isElsewhere(errno, fd)
          ? next(fd, iovs, iovsLen, nwritten)
          : errno;
      },

      fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
        const errno = fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
        return isElsewhere(errno, fd)
          ? next(fd, iovs, iovsLen, nwritten, offset)
          : errno;
      },
    };
  }

  setMemory(memory) {
    this.#combiner?.setMemory(memory);
    this.#memory.set(memory);
    this.host.setMemory(memory);
  }

  insert(fd, target) {
    this.#combiner?.flush();
    this.host.insert(
      fd,
      typeof target === 'number'
        ? { hostFd: target }
        : { target: this.#targets.add(target) },
    );
  }

  remove(fd) {
    this.#combiner?.flush();
    this.host.remove(fd);
  }

  /** Writes out what is buffered, throws what went wrong, or closes. */
  close() {
    this.flush();
    this.host.close();
  }

  #targetOf(fd) {
    return this.#targets.get(this.host.describe(fd)?.target);
  }

  // What the combiner asks for.

  /** How many bytes of an fd may be staged; 0 for one that is not buffered. */
  capacity(fd, positioned) {
    const entry = this.host.describe(fd);
    if (entry === undefined || !entry.mayWrite) return 0;
    if (entry.target !== undefined) {
      return positioned
        ? 0
        : this.#targetCapacity(fd, this.#targets.get(entry.target));
    }
    if (this.#buffered === false || fd === STDERR) return 0;
    if (positioned && !entry.maySeek) return 0;
    // NONBLOCK means nothing for a regular file.
    if (entry.file) return this.#size;
    if (positioned || entry.nonblock) return 0;
    return this.#buffered === true ? this.#size : 0;
  }

  #targetCapacity(fd, target) {
    if (target.failed || target.over) return 0;
    // Nobody sees a capture before it is read, so it is staged in any case.
    if (target instanceof Capture) return Math.min(this.#size, target.room);
    return this.#buffered === true && fd !== STDERR ? this.#size : 0;
  }

  /** A write that is not staged. */
  writeNow(fd, iovs, iovsLen, nwritten, offset) {
    this.#direct ??= this.#withNext(this.host.imports);
    const errno =
      offset === undefined
        ? this.#direct.fd_write(fd, iovs, iovsLen, nwritten)
        : this.#direct.fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
    if (errno === ERRNO.PIPE) this.#pipeClosed?.(fd);
    return errno;
  }

  /** Writes the first `length` bytes of the staging memory. */
  drain(fd, staging, length, offset) {
    const target = this.#targetOf(fd);
    if (target === undefined) {
      return this.host.writeBuffered(fd, 0, length, offset);
    }
    const done = target.write(staging.subarray(0, length));
    return { errno: target.errno, done };
  }

  /** A flush found that nobody reads an fd any more. */
  pipeClosed(fd) {
    if (this.#targetOf(fd) === undefined) this.#pipeClosed?.(fd);
  }

  /** Whether bytes that an fd did not take may be tried again. */
  canRetry(fd) {
    return this.#targetOf(fd)?.failed !== true;
  }

  // A write to a target: the pointers are checked here.
  #deliver(number, iovs, iovsLen, nwritten) {
    const memory = this.#memory;
    const target = this.#targets.get(number);
    const list = createList();
    const errno = memory.readList(iovs, iovsLen, nwritten, list);
    if (errno !== ERRNO.SUCCESS) return errno;
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
    if (this.#targetOf(left.fd)?.over) this.#combiner.forget(left.fd);
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

  /** What a target has captured, by its number; null if it is no capture. */
  captured(number) {
    const target = this.#targets.get(number);
    if (!(target instanceof Capture)) return null;
    this.#combiner?.flush();
    return target.read();
  }

  /** The same by a guest fd. */
  capturedBy(fd) {
    return this.captured(this.host.describe(fd)?.target);
  }

  /** Throws the first thing that code of the user's threw in a write, once. */
  rethrow() {
    this.#targets.rethrow();
  }

  stats() {
    const host = this.host.stats();
    const staged = this.#combiner?.stats() ?? { calls: 0, bytes: 0 };
    const direct = this.#stats;
    return {
      calls: host.calls + staged.calls + direct.calls,
      bytes: host.bytes + staged.bytes + direct.bytes,
      native: host.calls,
      staged: staged.calls,
      flushes: this.#combiner?.flushes ?? 0,
    };
  }
}

module.exports = { Output };
