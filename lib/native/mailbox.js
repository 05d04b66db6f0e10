'use strict';

// The way into the addon: numbers are left in the mailbox of a guest, its function is
// called, and the answer is found there. Whoever needs an answer reads it before
// anything else runs: the next call overwrites it.

const { BOX, OPS } = require('./abi');
const { notStarted } = require('../errors');
const { EMPTY, viewOf } = require('../memory');
const { ERRNO } = require('../preview1');

const { OP, RESULT, OUT, ARGUMENTS, WIDE } = BOX;
const { set_memory: SET_MEMORY } = OPS;
const { FAULT } = ERRNO;

/** Of one guest. */
class Mailbox {
  #call;
  #memory;
  #mustStart;
  #size = 0;

  /** The words, of 32 and of 64 bits. */
  box;
  wide;

  /** The guest's memory as the addon has it; no bytes once that has moved. */
  view = EMPTY;

  /**
   * @param {object} binding the addon
   * @param {{ waitTimeout: number, maxOpenFiles?: number }} options
   * @param {boolean} mustStart whether a call without a memory is an error of the
   *   host's
   */
  constructor(binding, { waitTimeout, maxOpenFiles = -1 }, mustStart) {
    this.#call = binding.create(waitTimeout, maxOpenFiles);
    this.#mustStart = mustStart;
    this.box = new Int32Array(this.#call.box);
    this.wide = new BigInt64Array(this.#call.box);
  }

  setMemory(memory) {
    this.#memory = memory;
    this.#refresh();
  }

  /** Hands the memory over again. True when it has grown. */
  #refresh() {
    if (this.#memory === undefined && this.#mustStart) throw notStarted();
    this.view = viewOf(this.#memory);
    const grown = this.view.byteLength !== this.#size;
    this.#size = this.view.byteLength;
    this.box[OP] = SET_MEMORY;
    this.#call(this.view);
    return grown;
  }

  /**
   * A call of the guest whose arguments are in the mailbox. Hot.
   *
   * A memory that grew leaves a view without bytes behind. A shared one, and one
   * with a resizable buffer, grows in place: on FAULT the view is taken anew, and
   * the call made once more. A call that fails has done nothing.
   *
   * @param {number} op
   * @returns {number} an errno, or what wv_dispatch says besides
   */
  run(op) {
    if (this.view.byteLength === 0) this.#refresh();
    this.box[OP] = op;
    this.#call();
    const errno = this.box[RESULT];
    return errno === FAULT ? this.#runAgain(op) : errno;
  }

  #runAgain(op) {
    if (!this.#refresh()) return FAULT;
    this.box[OP] = op;
    this.#call();
    return this.box[RESULT];
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

  /** One that takes bytes. */
  controlWith(op, bytes, a = 0) {
    this.box[ARGUMENTS] = a;
    this.box[OP] = op;
    this.#call(bytes);
    return this.box[RESULT];
  }

  /** Leaves an argument of 64 bits for `control`. */
  setWide(value) {
    this.wide[WIDE] = value;
  }

  /** The answer besides the errno. */
  get out() {
    return this.box[OUT];
  }

  /** Two answers of 64 bits. */
  get wideResults() {
    return [Number(this.wide[WIDE]), Number(this.wide[WIDE + 1])];
  }
}

module.exports = { Mailbox };
