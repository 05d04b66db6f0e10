'use strict';

// The way into the addon: JS stores numbers in the guest's mailbox, calls the
// guest's function, and reads the answer before the next call overwrites it.

const { ANSWERS, BOX, OPS, WRITE } = require('./abi');
const { notStarted, outOfMemory } = require('../errors');
const { EMPTY, isShared, viewOf } = require('../memory');
const { ERRNO, flushOf } = require('../preview1');

const { OP, RESULT, OUT, ARGUMENTS, WIDE } = BOX;
const { set_memory: SET_MEMORY } = OPS;
const { SUCCESS, FAULT, NOMEM } = ERRNO;

const { ASK, DELIVER, DELIVER_BUFFERED, ENDED, RESUME } = ANSWERS;
const { ASKED, NOT_BUFFERED } = WRITE;
const FLAGS = ARGUMENTS + 4; // of a buffered write

const SECOND_FD = new Set([OPS.fd_renumber]);
const FIRST_FD = new Set(
  Object.keys(OPS)
    .filter((name) => ['fd', 'both'].includes(flushOf(name)))
    .concat('fd_close', 'buffered_write', 'buffered_pwrite', 'flush_before')
    .map((name) => OPS[name]),
);

/** Whether a call names a guest fd; a flush concerns all fds. */
function isAbout(op, frame, fd) {
  return (
    op === OPS.flush ||
    (FIRST_FD.has(op) && frame[ARGUMENTS] >>> 0 === fd) ||
    (SECOND_FD.has(op) && frame[ARGUMENTS + 1] >>> 0 === fd)
  );
}

/** Thrown through a guest that another thread ends. */
const kEnded = Symbol('wasi-writev.ended');

/** The mailbox of one guest. */
class Mailbox {
  #call;
  #memory;
  #isGuest;
  #size = 0;

  /** Its words, of 32 and of 64 bits. */
  box;
  wide;

  /**
   * The view of the guest's memory that the addon has; empty once the memory has
   * moved.
   */
  view = EMPTY;

  /**
   * The work left to JS. `deliver(target, iovs, iovsLen, nwritten)` makes a write.
   * `deliverBuffered()` passes buffered bytes to their target, and returns the fd,
   * the target and the errno. `takes(target)` says whether a target takes bytes.
   */
  delivery;

  /**
   * @param {object} binding the addon
   * @param {object} options
   * @param {number} options.waitTimeout milliseconds, -1 for no limit
   * @param {number} [options.maxOpenFiles]
   * @param {boolean} options.mayBlock whether a write may block in the system
   * @param {boolean} options.isGuest whether calls throw without a memory, and
   *   threads share their files
   */
  constructor(binding, { waitTimeout, maxOpenFiles = -1, mayBlock, isGuest }) {
    this.#call = binding.create(waitTimeout, maxOpenFiles, mayBlock);
    this.#isGuest = isGuest;
    this.box = new Int32Array(this.#call.box);
    this.wide = new BigInt64Array(this.#call.box);
  }

  setMemory(memory) {
    this.#memory = memory;
    this.#refresh();
    if (this.box[RESULT] === NOMEM) throw outOfMemory('the files of threads');
  }

  /**
   * Passes the memory to the addon again, and keeps the arguments. Returns true if
   * it has grown. The addon comes first: V8 may end this at any call.
   */
  #refresh() {
    if (this.#memory === undefined && this.#isGuest) throw notStarted();
    const view = viewOf(this.#memory);
    this.box[OUT] =
      this.#isGuest && view !== EMPTY && isShared(this.#memory) ? 1 : 0;
    this.box[OP] = SET_MEMORY;
    this.#call(view);
    this.view = view;
    const grown = view.byteLength !== this.#size;
    this.#size = view.byteLength;
    return grown;
  }

  /**
   * A call of the guest whose arguments are in the mailbox. Hot.
   *
   * @param {number} op
   * @returns {number} an errno
   */
  run(op) {
    // The old view of a memory that grew is empty.
    if (this.view.byteLength === 0) this.#refresh();
    this.box[OP] = op;
    this.#call();
    const errno = this.box[RESULT];
    return errno === SUCCESS ? SUCCESS : this.#finish(op, errno);
  }

  /**
   * Acts on an answer other than success.
   *
   * A shared memory, or one with a resizable buffer, grows in place. On FAULT the
   * view is refreshed, and the call made once more: a call that fails has had no
   * effect.
   */
  #finish(op, answer) {
    const { box } = this;
    let refreshed = false;
    for (;;) {
      if (answer === RESUME) {
        box[OP] = OPS.resume;
      } else if (answer === DELIVER_BUFFERED) {
        const errno = this.#deliverBuffered(op);
        if (errno !== SUCCESS) return errno;
        this.#again(op);
      } else if (answer === ASK) {
        this.#ask();
        this.#again(op);
      } else if (answer === ENDED) {
        throw kEnded;
      } else if (answer === DELIVER) {
        return this.delivery.deliver(
          box[OUT],
          box[ARGUMENTS + 1],
          box[ARGUMENTS + 2],
          box[ARGUMENTS + 3],
        );
      } else {
        if (answer !== FAULT || refreshed || !this.#refresh()) return answer;
        refreshed = true;
        box[OP] = op;
      }
      this.#call();
      answer = box[RESULT];
    }
  }

  // Prepares to repeat a call after the user's code, which may have grown the
  // memory.
  #again(op) {
    if (this.view.byteLength === 0 && this.#size > 0) this.#refresh();
    this.box[OP] = op;
  }

  // A stream's getters may call the guest, so the arguments are saved.
  #ask() {
    const frame = this.box.slice();
    const takes = this.delivery.takes(frame[OUT]);
    this.box.set(frame);
    this.box[FLAGS] |= takes ? ASKED : NOT_BUFFERED;
  }

  // A target may call the guest, so the arguments are saved.
  #deliverBuffered(op) {
    const frame = this.box.slice();
    const { fd, target, errno } = this.delivery.deliverBuffered();
    if (errno !== SUCCESS && isAbout(op, frame, fd)) {
      // Reports the error once; the fd is closed all the same.
      if (op === OPS.fd_close) this.control(OPS.remove_target, fd, target);
      return errno;
    }
    this.box.set(frame);
    return SUCCESS;
  }

  /** An operation of the host. */
  control(op, a = 0, b = 0, c = 0, d = 0) {
    const { box } = this;
    box[ARGUMENTS] = a;
    box[ARGUMENTS + 1] = b;
    box[ARGUMENTS + 2] = c;
    box[ARGUMENTS + 3] = d;
    box[OP] = op;
    this.#call();
    return box[RESULT];
  }

  /** An operation that takes bytes. */
  controlWith(op, bytes, a = 0, b = 0, c = 0, d = 0) {
    const { box } = this;
    box[ARGUMENTS] = a;
    box[ARGUMENTS + 1] = b;
    box[ARGUMENTS + 2] = c;
    box[ARGUMENTS + 3] = d;
    box[OP] = op;
    this.#call(bytes);
    return box[RESULT];
  }

  /** An operation that may wait and deliver, like a call of the guest. */
  operate(op, a = 0) {
    const { box } = this;
    box[ARGUMENTS] = a;
    box[OP] = op;
    this.#call();
    const errno = box[RESULT];
    return errno === SUCCESS ? SUCCESS : this.#finish(op, errno);
  }

  /** Stores a 64-bit argument for `control`. */
  setWide(value) {
    this.wide[WIDE] = value;
  }

  get out() {
    return this.box[OUT];
  }

  /** Result `n` among the arguments, 32 bits. */
  result(n) {
    return this.box[ARGUMENTS + n] >>> 0;
  }

  wideResult(n) {
    return Number(this.wide[WIDE + n]);
  }
}

module.exports = { Mailbox, kEnded };
