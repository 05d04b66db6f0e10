'use strict';

// When what is buffered is flushed, besides the calls of the guest: where the JS that
// called the guest has come to its end, and at the end of the process.

const fs = require('node:fs');
const { inspect } = require('node:util');
const { ERRNO } = require('../preview1');

// At the end of the process nobody may read any more: so long a flush waits for room
// without finding any.
const LAST_WAIT = 1000; // milliseconds

// The hosts that may have bytes: the end of the process finds them here.
const waiting = new Set();
let listening = false;

// From then on no microtask will come to flush: nothing is buffered any more.
let ended = false;

// The process ends: a stream would be too late.
function warn(text) {
  try {
    fs.writeSync(2, text);
  } catch {
    // Nobody is left to be told.
  }
}

/** A word on stderr about bytes that are given up; not where nobody reads any more. */
function warnOf({ fd, errno, code, pending, target }) {
  if (errno === ERRNO.PIPE && target === undefined) return;
  warn(
    `wasi-writev: ${pending} bytes for guest fd ${fd} could not be ` +
      `written: ${code}\n`,
  );
}

// A function target threw: nobody else will be told.
function warnOfThrown(host) {
  try {
    host.rethrow();
  } catch (error) {
    warn(`wasi-writev: a target threw ${inspect(error)}\n`);
  }
}

// A reader that takes some is waited for again.
function flushLast(host) {
  let left = Infinity;
  for (;;) {
    const errno = host.flush(LAST_WAIT);
    const { pending = 0 } = host.unflushed() ?? {};
    if (errno !== ERRNO.AGAIN || pending >= left) return;
    left = pending;
  }
}

/** Writes what every guest of this thread has buffered, before it ends. */
function flushAtExit() {
  ended = true;
  for (const host of waiting) {
    flushLast(host);
    const left = host.unflushed();
    if (left !== undefined) warnOf(left);
    warnOfThrown(host);
    waiting.delete(host); // once
  }
}

class Flushes {
  #host;
  #scheduled = false;

  constructor(host) {
    this.#host = host;
  }

  /** Whether the process has ended: nothing is buffered any more. */
  get ended() {
    return ended;
  }

  /** Before anything is buffered. */
  schedule() {
    if (this.#scheduled) return;
    waiting.add(this.#host);
    if (!listening) {
      // Before those of others: one that throws, or exits, ends the turn of the rest.
      process.prependListener('exit', flushAtExit);
      listening = true;
    }
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#host.flush();
      // Nobody is there to catch it.
      this.#host.rethrow();
    });
    this.#scheduled = true;
  }

  /** There is nothing more to write. */
  done() {
    if (!this.#scheduled) waiting.delete(this.#host);
  }
}

module.exports = { Flushes, flushAtExit, warnOf };
