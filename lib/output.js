'use strict';

// Where a guest's writes go: descriptors and captures to the host, all else to
// targets. Also reports errors of targets and flushes.

const { withCode } = require('./errors');
const { GuestMemory, createList } = require('./memory');
const { fdPwrite, fdWrite, publish } = require('./trace');
const { ERRNO, ERRNO_NAMES } = require('./preview1');

// A target gets the bytes of one call as one chunk, up to this size.
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
  #memory = new GuestMemory();
  #next;
  #pipeClosed;
  #stats = { calls: 0, bytes: 0 };
  #targets;
  #told; // the fd of the last unflushed bytes whose error was thrown

  /**
   * @param {object} options checked, as lib/options.js gives them
   * @param {import('./targets').TargetList} targets
   * @param {object} hooks
   * @param {(options: object, delivery: object) => object} hooks.createHost see
   *   lib/engine.js
   * @param {boolean} hooks.captures whether one of the targets is a capture
   * @param {Function} [hooks.next] makes a write to an fd that is not open
   * @param {(fd: number) => void} [hooks.pipeClosed] called when a write finds a
   *   pipe without a reader; may throw through the guest
   */
  constructor(options, targets, { createHost, captures, next, pipeClosed }) {
    this.#targets = targets;
    this.#next = next;
    this.#pipeClosed = pipeClosed;
    // Writes to a capture are always buffered: they never wait.
    const buffered = options.buffered || (captures && 'captures');
    this.host = createHost(
      { ...options, buffered },
      {
        add: (target) => targets.put(target),
        deliver: (...call) => this.#deliver(...call),
        write: (number, chunk) => this.#write(number, chunk),
        takes: (number) => targets.get(number).takes,
        lose: (lost) => this.#lose(lost),
        rethrow: () => targets.rethrow(),
      },
    );
    const writes = this.host.combine(this.#traced());
    this.fd_write = writes.fd_write;
    this.fd_pwrite = writes.fd_pwrite;
  }

  // Hot. If nobody traces, nothing is called after the write, since the stack may be
  // full.
  #traced() {
    const { fd_write, fd_pwrite } = this.#withNext(this.host.imports);
    const memory = this.#memory;
    const pipeClosed = this.#pipeClosed;
    return {
      fd_write(fd, iovs, iovsLen, nwritten) {
        const isTraced = fdWrite.hasSubscribers;
        const errno = fd_write(fd, iovs, iovsLen, nwritten);
        if (isTraced) publish(memory, fd, iovsLen, nwritten, errno);
        if (errno === ERRNO.PIPE) pipeClosed?.(fd);
        return errno;
      },

      fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
        const isTraced = fdPwrite.hasSubscribers;
        const errno = fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
        if (isTraced) publish(memory, fd, iovsLen, nwritten, errno, offset);
        return errno;
      },
    };
  }

  // An fd that is not open here may belong to another WASI.
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
    this.host.before();
    this.#memory.set(memory);
    this.host.setMemory(memory);
  }

  /** Puts a stream of `TargetList.streamOf` at a guest fd. */
  insert(fd, stream) {
    this.#replace(fd, () => this.host.insert(fd, stream));
  }

  remove(fd) {
    this.#replace(fd, () => this.host.remove(fd));
  }

  // Removes the old target only once `change` has succeeded.
  #replace(fd, change) {
    this.host.before();
    const target = this.host.describe(fd)?.target;
    change();
    this.#targets.remove(target);
  }

  /** Flushes, and closes unless that throws. */
  close() {
    this.flush();
    this.host.close();
  }

  // A write to a target. JS checks its pointers.
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

  // Passes the bytes of one call in one chunk, or several of CHUNK_MAX. Undefined:
  // the target took nothing.
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
        // The target may be a function that makes the guest grow its memory.
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

  // Writes buffered bytes to a target. A function that threw is not called again:
  // its error is kept.
  #write(number, chunk) {
    const target = this.#targets.get(number);
    const done = target.write(chunk);
    return { errno: target.errno, done, canRetry: !target.failed };
  }

  #lose({ fd, errno, rest }) {
    if (rest.length === 0) return;
    const code = `E${ERRNO_NAMES[errno]}`;
    const left = { fd, errno, code, pending: rest.length };
    this.#targets.report(flushError(left));
  }

  /**
   * Flushes before a call of another WASI that could see the buffered bytes.
   *
   * @returns {number} SUCCESS, or the errno for the guest instead of the call
   */
  before(fd) {
    return this.host.before(fd);
  }

  /** Flushes as far as possible. */
  settle() {
    this.host.flush();
  }

  /** Drops the unflushed bytes. Returns them if no error has reported them yet. */
  abandon() {
    const left = this.host.unflushed();
    this.host.discard();
    return left !== undefined && left.fd !== this.#told ? left : undefined;
  }

  /** Called at the end of the guest: drops bytes for a pipe without a reader. */
  dropUnread() {
    const left = this.host.unflushed();
    if (left?.errno !== ERRNO.PIPE || left.target !== undefined) return;
    this.host.discard();
    this.#pipeClosed?.(left.fd);
  }

  /** Throws the error of `flushError`, with `details`, if bytes are left. */
  throwUnwritten(details) {
    const left = this.host.unflushed();
    if (left === undefined) return;
    this.#told = left.fd;
    // The error below reports them; the target will never take them.
    if (this.#targets.get(left.target)?.takes === false) this.host.discard();
    throw Object.assign(flushError(left), details);
  }

  /** Flushes, and throws the first error. */
  flush() {
    this.settle();
    this.rethrow();
    this.throwUnwritten();
  }

  /**
   * Flushes as far as possible, and drops the rest. Returns the number of bytes
   * dropped.
   */
  discard() {
    this.settle();
    return this.host.discard();
  }

  /** The bytes captured at a guest fd; null if it is no capture. */
  capturedBy(fd) {
    return this.captured(this.host.describe(fd)?.capture);
  }

  captured(number) {
    return number === undefined ? null : this.host.captured(number);
  }

  /** A promise that resolves once no target is full; undefined if none is. */
  drained() {
    return this.#targets.drained();
  }

  /** Whether a capture met its limit. */
  isCut(number) {
    return number !== undefined && this.host.isCut(number);
  }

  /** Throws the first error of the user's code in a write, once. */
  rethrow() {
    this.#targets.rethrow();
  }

  stats() {
    const { calls, bytes, buffered, bufferedBytes, flushes } =
      this.host.stats();
    return {
      calls: calls + buffered + this.#stats.calls,
      bytes: bytes + bufferedBytes + this.#stats.bytes,
      native: calls,
      buffered,
      flushes,
    };
  }
}

module.exports = { Output };
