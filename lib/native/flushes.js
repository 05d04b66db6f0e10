'use strict';

// Flushes that no call of the guest causes: in a microtask, after the JS that called
// the guest, and at the end of the process.

const fs = require('node:fs');
const { inspect } = require('node:util');
const { ERRNO } = require('../preview1');

// How long the last flush waits for room without finding any: nobody may be reading.
const LAST_WAIT = 1000; // milliseconds

// The hosts that may have buffered bytes at the end of the process.
const waiting = new Set();
let listening = false;

// Nothing is buffered after the end: no microtask would flush it.
let ended = false;

// Synchronous: the process is ending.
function warn(text) {
  try {
    fs.writeSync(2, text);
  } catch {
    // There is nowhere else to report it.
  }
}

/** Reports dropped bytes on stderr, unless they were for a pipe without a reader. */
function warnOf({ fd, errno, code, pending, target }) {
  if (errno === ERRNO.PIPE && target === undefined) return;
  warn(
    `wasi-writev: ${pending} bytes for guest fd ${fd} could not be ` +
      `written: ${code}\n`,
  );
}

// Reports an error of a function target, which nobody else will see.
function warnOfThrown(host) {
  try {
    host.rethrow();
  } catch (error) {
    warn(`wasi-writev: a target threw ${inspect(error)}\n`);
  }
}

// Tries again as long as the reader makes room.
function flushLast(host) {
  let left = Infinity;
  for (;;) {
    const errno = host.flush(LAST_WAIT);
    const { pending = 0 } = host.unflushed() ?? {};
    if (errno !== ERRNO.AGAIN || pending >= left) return;
    left = pending;
  }
}

/** Flushes all guests of this thread before it ends. */
function flushAtExit() {
  ended = true;
  for (const host of waiting) {
    flushLast(host);
    const left = host.unflushed();
    if (left !== undefined) warnOf(left);
    warnOfThrown(host);
    waiting.delete(host); // so that it is reported once
  }
}

class Flushes {
  #host;
  #scheduled = false;

  constructor(host) {
    this.#host = host;
  }

  /** Whether the process has ended, so that nothing may be buffered. */
  get ended() {
    return ended;
  }

  /** Called before anything is buffered. */
  schedule() {
    if (this.#scheduled) return;
    waiting.add(this.#host);
    if (!listening) {
      // First in line: a listener that throws or exits keeps later ones from
      // running.
      process.prependListener('exit', flushAtExit);
      listening = true;
    }
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#host.flush();
      // Makes it an uncaught exception: there is no caller to catch it.
      this.#host.rethrow();
    });
    this.#scheduled = true;
  }

  /** Called when nothing is left to flush. */
  done() {
    if (!this.#scheduled) waiting.delete(this.#host);
  }
}

module.exports = { Flushes, flushAtExit, warnOf };
