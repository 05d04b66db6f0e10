'use strict';

// Destinations of output other than host descriptors.
//
// A target has `write(chunk)`, which returns how many bytes it took, and copies
// those it keeps; `errno`, why it did not take all; `failed`: code of the user's
// threw, and is not called again; `takes`: whether it takes bytes now.

const { invalidType } = require('./errors');
const { writeAll } = require('./fs-writer');
const { ERRNO } = require('./preview1');

/**
 * Passes a copy of each chunk to a function. If that throws, `report` gets the
 * error, and later writes fail with IO.
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

// Events after which a full stream has room, or takes nothing any more.
const RELIEVING = ['drain', 'close', 'error', 'finish'];

/**
 * Writes to a Node Writable; for the process's own stdout or stderr, to the
 * descriptor while the stream has nothing queued.
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
   * Whether the stream takes nothing more. `writable` says so, but not for HTTP
   * responses; that of HTTP/2 keeps its state in its `stream`.
   */
  get #isOver() {
    const { writable, destroyed, writableEnded, stream } = this.#stream;
    return !writable || destroyed || writableEnded || stream?.destroyed;
  }

  get takes() {
    return !this.failed && !this.#isOver;
  }

  /**
   * Undefined, or a promise that resolves once the stream asks for more, or takes
   * nothing any more.
   */
  drained() {
    const stream = this.#stream;
    if (!stream.writableNeedDrain || !this.takes) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        for (const event of RELIEVING) stream.off(event, done);
        resolve();
      };
      for (const event of RELIEVING) stream.on(event, done);
    });
  }

  constructor(stream, waitTimeout, report) {
    this.#stream = stream;
    this.#timeout = waitTimeout;
    // A `write` method of the user's may throw, like a function.
    this.#writer = new FunctionTarget((chunk) => {
      stream.write(chunk);
    }, report);
    // `process.stdout` and `stderr` are getters: not called for any other stream.
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
 * @param {unknown} target not a number
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
 * The targets of one guest, by number, and the errors of the user's code in them.
 */
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
   * @param {unknown} target a descriptor, or a target that `checkTarget` accepts
   * @returns {object} a stream, in the form of lib/engine.js
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

  /** @returns {number} the target's number */
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

  /** A promise that resolves once no target is full; undefined if none is. */
  drained() {
    const waits = [...this.#targets.values()]
      .map((target) => target.drained?.())
      .filter(Boolean);
    return waits.length === 0 ? undefined : Promise.all(waits);
  }

  /** Keeps an error for `rethrow`. */
  report(error) {
    this.#thrown.push(error);
  }

  /** Throws the first error reported since the last time. */
  rethrow() {
    if (this.#thrown.length === 0) return;
    const [error] = this.#thrown;
    this.#thrown.length = 0;
    throw error;
  }
}

module.exports = { TargetList, checkTarget };
