'use strict';

// Where output can go besides a host descriptor.
//
// A target has `write(chunk)`, which returns how many bytes it took, and `errno`,
// the reason where it did not take all. A chunk belongs to the caller: what is
// kept is copied. `failed`: code of the user's threw, and is not called again.
// `takes`: whether it takes anything now.

const { invalidType } = require('./errors');
const { writeAll } = require('./fs-writer');
const { ERRNO } = require('./preview1');

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

  get takes() {
    return !this.failed;
  }

  write(chunk) {
    if (this.failed) return 0;
    try {
      const target = this.#function; // called without a `this`
      target(new Uint8Array(chunk));
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
  get #isOver() {
    const { writable, destroyed, writableEnded, stream } = this.#stream;
    return !writable || destroyed || writableEnded || stream?.destroyed;
  }

  get takes() {
    return !this.failed && !this.#isOver;
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
    if (this.#isOver) {
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

/** The targets of one guest, by number, and what code of the user's threw in them. */
class TargetList {
  #options;
  #targets = new Map();
  #count = 0;
  #thrown = [];

  /** @param {{ captureLimit: number, waitTimeout: number }} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * @param {unknown} target a descriptor, or one that `checkTarget` lets through
   * @returns {object} a stream as lib/engine.js has it
   */
  streamOf(target) {
    const { captureLimit, waitTimeout } = this.#options;
    if (typeof target === 'number') return { hostFd: target };
    if (target === 'capture') return { capture: captureLimit };
    const report = (error) => this.report(error);
    const made =
      typeof target === 'function'
        ? new FunctionTarget(target, report)
        : new StreamTarget(target, waitTimeout, report);
    return { target: this.put(made) };
  }

  /** @returns {number} of a target */
  put(target) {
    this.#targets.set(this.#count, target);
    return this.#count++;
  }

  get(number) {
    return this.#targets.get(number);
  }

  remove(number) {
    this.#targets.delete(number);
  }

  /** Keeps what was thrown for `rethrow`. */
  report(error) {
    this.#thrown.push(error);
  }

  /** Throws the first thing that was thrown, once. */
  rethrow() {
    if (this.#thrown.length === 0) return;
    const [error] = this.#thrown;
    this.#thrown.length = 0;
    throw error;
  }
}

module.exports = { TargetList, checkTarget };
