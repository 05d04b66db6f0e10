'use strict';

// Writing all of a chunk with node:fs, to a descriptor that may be full.

const fs = require('node:fs');
const os = require('node:os');
const { ERRNO } = require('./preview1');

const MAX_SLEEP = 16; // milliseconds

const ALIASES = { EOPNOTSUPP: ERRNO.NOTSUP, EWOULDBLOCK: ERRNO.AGAIN };

const errnoByNumber = new Map(
  Object.entries(os.constants.errno).map(([name, number]) => [
    number,
    ALIASES[name] ?? ERRNO[name.slice(1)] ?? ERRNO.IO,
  ]),
);

/** The WASI errno of what node:fs threw. */
function errnoOf(error) {
  return (
    ERRNO[error.code?.slice(1)] ??
    errnoByNumber.get(Math.abs(error.errno)) ??
    ERRNO.IO
  );
}

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits for room in a full stream: node:fs cannot poll, so it sleeps, longer
 * each time.
 */
class Patience {
  #end;
  #sleep = 1;

  /** @param {number} timeout milliseconds, -1 for no limit */
  constructor(timeout) {
    this.#end = timeout < 0 ? Infinity : performance.now() + timeout;
  }

  /** False when time is up. */
  wait() {
    const left = this.#end - performance.now();
    if (left <= 0) return false;
    Atomics.wait(sleepCell, 0, 0, Math.min(this.#sleep, left));
    this.#sleep = Math.min(this.#sleep * 2, MAX_SLEEP);
    return true;
  }

  /** Room was found. */
  reset() {
    this.#sleep = 1;
  }
}

/**
 * Calls `writeOnce(done)`, which makes one system call for what follows the
 * first `done` bytes and returns how many it took, until `total` are out.
 *
 * @returns {{ errno: number, done: number }} an errno where it ended early
 */
function writeUntil(total, timeout, writeOnce) {
  let patience; // most writes need none
  let done = 0;
  while (done < total) {
    try {
      const count = writeOnce(done);
      if (count === 0) return { errno: ERRNO.IO, done };
      done += count;
      patience?.reset();
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === ERRNO.AGAIN) {
        patience ??= new Patience(timeout);
        if (patience.wait()) continue;
      }
      if (errno !== ERRNO.INTR) return { errno, done };
    }
  }
  return { errno: ERRNO.SUCCESS, done };
}

/** All of `chunk` to a host descriptor. See `writeUntil`. */
function writeAll(hostFd, chunk, timeout) {
  return writeUntil(chunk.length, timeout, (done) =>
    fs.writeSync(hostFd, chunk, done),
  );
}

module.exports = { errnoOf, writeAll, writeUntil };
