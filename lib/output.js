'use strict';

// Where a guest's writes go: its host for descriptors and captures, targets for all
// else, and who is told of what.

const { withCode } = require('./errors');
const { GuestMemory, createList } = require('./memory');
const { fdPwrite, fdWrite, publish } = require('./trace');
const { ERRNO, ERRNO_NAMES } = require('./preview1');

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
  #memory = new GuestMemory();
  #next;
  #pipeClosed;
  #stats = { calls: 0, bytes: 0 };
  #targets;
  #told; // the fd of the last error for bytes that are left

  /**
   * @param {object} options checked, as lib/options.js gives them
   * @param {import('./targets').TargetList} targets
   * @param {object} hooks
   * @param {(options: object, delivery: object) => object} hooks.createHost see
   *   lib/engine.js
   * @param {boolean} hooks.captures whether one of the targets is a capture
   * @param {Function} [hooks.next] a write to an fd that is not open
   * @param {(fd: number) => void} [hooks.pipeClosed] a write found that nobody
   *   reads any more; may throw through the guest
   */
  constructor(options, targets, { createHost, captures, next, pipeClosed }) {
    this.#targets = targets;
    this.#next = next;
    this.#pipeClosed = pipeClosed;
    // A write to a capture leaves nothing to wait for: it is always buffered.
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

  // Hot. What follows a write that is out calls nothing: the stack may be full.
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

  // What stood there goes once `change` has succeeded.
  #replace(fd, change) {
    this.host.before();
    const target = this.host.describe(fd)?.target;
    change();
    this.#targets.remove(target);
  }

  /** Writes out what is buffered, throws what went wrong, or closes. */
  close() {
    this.flush();
    this.host.close();
  }

  // Targets.

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

  // What was buffered for one. A function that threw is not called again: its caller
  // has the error.
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

  // Flushing.

  /**
   * Before a call of another WASI that could see what is buffered.
   *
   * @returns {number} an errno that the guest must get in place of the call
   */
  before(fd) {
    return this.host.before(fd);
  }

  /** Writes out all that can be. */
  settle() {
    this.host.flush();
  }

  /** Forgets what could not be written, with a word to who was not told yet. */
  abandon() {
    const left = this.host.unflushed();
    this.host.discard();
    return left !== undefined && left.fd !== this.#told ? left : undefined;
  }

  /** The guest has ended: where nobody reads any more, nobody wants the rest. */
  dropUnread() {
    const left = this.host.unflushed();
    if (left?.errno !== ERRNO.PIPE || left.target !== undefined) return;
    this.host.discard();
    this.#pipeClosed?.(left.fd);
  }

  /** Throws the error of `flushError`, and `details`, where bytes are left. */
  throwUnwritten(details) {
    const left = this.host.unflushed();
    if (left === undefined) return;
    this.#told = left.fd;
    // This was the word about it.
    if (this.#targets.get(left.target)?.takes === false) this.host.discard();
    throw Object.assign(flushError(left), details);
  }

  /** Writes out what is buffered. Throws what went wrong. */
  flush() {
    this.settle();
    this.rethrow();
    this.throwUnwritten();
  }

  /** Writes out what can be, and gives up the rest: returns its bytes. */
  discard() {
    this.settle();
    return this.host.discard();
  }

  /** What a guest fd has captured; null if it is no capture. */
  capturedBy(fd) {
    return this.captured(this.host.describe(fd)?.capture);
  }

  /** The same by the number of the capture. */
  captured(number) {
    return number === undefined ? null : this.host.captured(number);
  }

  /** Throws the first thing that code of the user's threw in a write, once. */
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
