'use strict';

// Where output can go besides a host descriptor.
//
// A target has `write(chunk)`, which returns how many bytes it took, and `errno`,
// the reason where it did not take all. A chunk belongs to the caller: what is
// kept is copied. `failed`: code of the user's threw, and is not called again.
// `over`: nobody reads it any more.

const { invalidType } = require('./errors');
const { writeAll } = require('./fs-writer');
const { ERRNO } = require('./preview1');

const MIN_BLOCK = 4096; // bytes
const MAX_BLOCK = 2 ** 20;

/** Keeps the bytes, up to `limit`; a full capture is a full disk. */
class Capture {
  // Filled one after the other, so that no byte is copied twice.
  #blocks = [];
  #free = 0; // bytes of the last block
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
    for (let from = 0; from < taken;) {
      if (this.#free === 0) this.#addBlock();
      const block = this.#blocks.at(-1);
      const part = Math.min(taken - from, this.#free);
      block.set(chunk.subarray(from, from + part), block.length - this.#free);
      from += part;
      this.#free -= part;
      this.#size += part;
    }
    return taken;
  }

  // As large as all before, within limits: few blocks, and little waste.
  #addBlock() {
    this.#free = Math.min(Math.max(this.#size, MIN_BLOCK), MAX_BLOCK);
    this.#blocks.push(Buffer.allocUnsafeSlow(this.#free));
  }

  /** A copy of what was kept so far. */
  read() {
    return Buffer.concat(this.#blocks, this.#size);
  }
}

/**
 * Calls a function with a copy of each chunk. What it throws goes to `report`, and
 * the guest gets IO from then on.
 */
class FunctionTarget {
  #function;
  #report;
  failed = false;
  errno = ERRNO.IO;

  constructor(target, report) {
    this.#function = target;
    this.#report = report;
  }

  write(chunk) {
    if (this.failed) return 0;
    try {
      const target = this.#function; // called without a `this`
      target(Uint8Array.from(chunk));
      return chunk.length;
    } catch (error) {
      this.failed = true;
      this.#report(error);
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
  #writer;
  errno = ERRNO.PIPE;

  get failed() {
    return this.#writer.failed;
  }

  /**
   * It takes nothing any more. `writable` says so of streams, but of neither
   * kind of response in HTTP: the second has its state in a stream of its own.
   */
  get over() {
    const { writable, destroyed, writableEnded, stream } = this.#stream;
    return !writable || destroyed || writableEnded || stream?.destroyed;
  }

  constructor(stream, waitTimeout, report) {
    this.#stream = stream;
    this.#timeout = waitTimeout;
    // A `write` of the user's own making may throw, as a function may.
    this.#writer = new FunctionTarget((chunk) => stream.write(chunk), report);
    // The getters of `process` are not touched for any other stream.
    if (stream.fd === 1 && stream === process.stdout) this.#hostFd = 1;
    if (stream.fd === 2 && stream === process.stderr) this.#hostFd = 2;
  }

  write(chunk) {
    const stream = this.#stream;
    if (this.over) {
      this.errno = ERRNO.PIPE;
      return 0;
    }
    if (this.#hostFd !== undefined && stream.writableLength === 0) {
      const { errno, done } = writeAll(this.#hostFd, chunk, this.#timeout);
      this.errno = errno;
      return done;
    }
    this.errno = this.#writer.errno;
    return this.#writer.write(chunk);
  }
}

const isWritable = (value) =>
  typeof value === 'object' &&
  value !== null &&
  typeof value.write === 'function' &&
  typeof value.on === 'function';

/**
 * @param {unknown} target which is no number
 * @param {string} name of the option, for the error
 */
function checkTarget(target, name) {
  const known =
    target === 'capture' || typeof target === 'function' || isWritable(target);
  if (known) return;
  throw invalidType(
    name,
    "a file descriptor, 'capture', a function or a Writable",
    target,
  );
}

/**
 * @param {unknown} target that `checkTarget` lets through
 * @param {{ captureLimit: number, waitTimeout: number }} options
 * @param {(error: unknown) => void} report gets what code of the user's throws
 */
function createTarget(target, { captureLimit, waitTimeout }, report) {
  if (target === 'capture') return new Capture(captureLimit);
  if (typeof target === 'function') return new FunctionTarget(target, report);
  return new StreamTarget(target, waitTimeout, report);
}

/** The targets of one guest, by number, and what code of the user's threw in them. */
class TargetList {
  #options;
  #targets = [];
  #thrown = [];

  /** @param {{ captureLimit: number, waitTimeout: number }} options */
  constructor(options) {
    this.#options = options;
  }

  /** @returns {number} of a target that `checkTarget` lets through */
  add(target) {
    const report = (error) => this.#thrown.push(error);
    return this.#targets.push(createTarget(target, this.#options, report)) - 1;
  }

  get(number) {
    return this.#targets[number];
  }

  /** Throws the first thing that was thrown, once. */
  rethrow() {
    if (this.#thrown.length === 0) return;
    const [error] = this.#thrown;
    this.#thrown.length = 0;
    throw error;
  }
}

module.exports = { Capture, TargetList, checkTarget };
