'use strict';

// Where output can go besides a host descriptor.
//
// A target has `write(chunk)`, which returns how many bytes it took, and `errno`,
// the reason where it did not take all. A chunk belongs to the caller: what is
// kept is copied.

const { invalidType } = require('./errors');
const { writeAll } = require('./fs-writer');
const { ERRNO } = require('./wasi-abi');

const FIRST_CAPACITY = 4096;

/** Keeps the bytes, up to `limit`; a full capture is a full disk. */
class Capture {
  #bytes = Buffer.alloc(0);
  #size = 0;
  #limit;
  errno = ERRNO.NOSPC;

  constructor(limit) {
    this.#limit = limit;
  }

  /** Bytes that still fit. */
  get room() {
    return this.#limit - this.#size;
  }

  write(chunk) {
    const taken = Math.min(chunk.length, this.room);
    const end = this.#size + taken;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.set(
      taken === chunk.length ? chunk : chunk.subarray(0, taken),
      this.#size,
    );
    this.#size = end;
    return taken;
  }

  // Twice as much each time: linear in the total.
  #grow(least) {
    const capacity = Math.max(least, 2 * this.#bytes.length, FIRST_CAPACITY);
    const bytes = Buffer.allocUnsafeSlow(Math.min(capacity, this.#limit));
    this.#bytes.copy(bytes, 0, 0, this.#size);
    this.#bytes = bytes;
  }

  /** A copy of what was kept so far. */
  read() {
    return Buffer.from(this.#bytes.subarray(0, this.#size));
  }
}

/**
 * Calls a function with a copy of each chunk. What it throws is kept in `error`
 * for the caller of `start()`, and the guest gets IO from then on.
 */
class FunctionTarget {
  #function;
  error = undefined;
  failed = false;
  errno = ERRNO.IO;

  constructor(target) {
    this.#function = target;
  }

  write(chunk) {
    if (this.failed) return 0;
    try {
      this.#function(Uint8Array.from(chunk));
      return chunk.length;
    } catch (error) {
      this.failed = true;
      this.error = error;
      return 0;
    }
  }
}

/**
 * Writes to a Node Writable. The stream of this process's own stdout or stderr
 * has its descriptor written where it holds nothing back.
 */
class StreamTarget {
  #stream;
  #hostFd;
  #timeout;
  errno = ERRNO.PIPE;

  constructor(stream, waitTimeout) {
    this.#stream = stream;
    this.#timeout = waitTimeout;
    // The getters of `process` are not touched for any other stream.
    if (stream.fd === 1 && stream === process.stdout) this.#hostFd = 1;
    if (stream.fd === 2 && stream === process.stderr) this.#hostFd = 2;
  }

  write(chunk) {
    const stream = this.#stream;
    if (!stream.writable) {
      this.errno = ERRNO.PIPE;
      return 0;
    }
    if (this.#hostFd !== undefined && stream.writableLength === 0) {
      const { errno, done } = writeAll(this.#hostFd, chunk, this.#timeout);
      this.errno = errno;
      return done;
    }
    stream.write(Buffer.from(chunk));
    return chunk.length;
  }
}

const isWritable = (value) =>
  typeof value === 'object' &&
  value !== null &&
  typeof value.write === 'function' &&
  typeof value.on === 'function';

/**
 * @param {unknown} target `'capture'`, a function or a Writable
 * @param {string} name of the option, for the error
 * @param {{ captureLimit: number, waitTimeout: number }} options
 */
function createTarget(target, name, { captureLimit, waitTimeout }) {
  if (target === 'capture') return new Capture(captureLimit);
  if (typeof target === 'function') return new FunctionTarget(target);
  if (isWritable(target)) return new StreamTarget(target, waitTimeout);
  throw invalidType(
    name,
    "a file descriptor, 'capture', a function or a Writable",
    target,
  );
}

module.exports = { Capture, FunctionTarget, createTarget };
