'use strict';

// Writes a whole chunk with node:fs, to a descriptor that may be full.

const fs = require('node:fs');
const os = require('node:os');
const { ERRNO } = require('./preview1');

const MAX_SLEEP = 16; // milliseconds

// EOF is libuv's for a write to a pipe of Windows without a reader.
const ALIASES = {
  EOF: ERRNO.PIPE,
  EOPNOTSUPP: ERRNO.NOTSUP,
  EWOULDBLOCK: ERRNO.AGAIN,
};

const errnoByNumber = new Map(
  Object.entries(os.constants.errno).map(([name, number]) => [
    number,
    ALIASES[name] ?? ERRNO[name.slice(1)] ?? ERRNO.IO,
  ]),
);

/** The WASI errno of an error of node:fs. */
function errnoOf({ code, errno }) {
  return (
    ALIASES[code] ??
    ERRNO[code?.slice(1)] ??
    errnoByNumber.get(Math.abs(errno)) ??
    ERRNO.IO
  );
}

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Waits for room in a full stream. node:fs cannot poll, so this sleeps, longer each
 * time.
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

  /** Called when the stream has room again. */
  reset() {
    this.#sleep = 1;
  }
}

/**
 * Calls `writeOnce(done)` until `total` bytes are out. It makes one system call for
 * the bytes after the first `done`, and returns its count.
 *
 * @returns {{ errno: number, done: number }} SUCCESS, or why not all bytes are out
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

/** Writes all of `chunk` to a host descriptor: see `writeUntil`. */
function writeAll(hostFd, chunk, timeout) {
  return writeUntil(chunk.length, timeout, (done) =>
    fs.writeSync(hostFd, chunk, done),
  );
}

module.exports = { errnoOf, writeAll, writeUntil };
