'use strict';

// A guest that this thread starts and another runs: what they share is in the addon,
// src/run.h.

const { OPS, STREAM } = require('./abi');
const { Mailbox } = require('./mailbox');
const { streamFailed } = require('../errors');
const { ERRNO } = require('../preview1');

const NONE = -1;

class Run {
  #mailbox;
  #captures;

  /** By which the thread that runs the guest joins. */
  number;

  /**
   * This side's descriptors of the pipes of streams 0 to 2, or undefined. The addon
   * closes them if this thread is ended before handOver().
   */
  ends;

  /**
   * @param {object} binding the addon
   * @param {object} options
   * @param {('pipe' | 'capture' | undefined)[]} options.streams of the guest, 0 to 2
   * @param {number} options.captureLimit bytes of each capture
   * @param {boolean} options.endsWhenCut whether a capture over its limit ends the
   *   guest
   */
  constructor(binding, { streams, captureLimit, endsWhenCut }) {
    const mailbox = new Mailbox(binding, {
      waitTimeout: 0,
      mayBlock: false,
      isGuest: false,
    });
    this.#mailbox = mailbox;
    const kinds = streams.map((stream) =>
      stream === undefined ? STREAM.NONE : STREAM[stream.toUpperCase()],
    );
    mailbox.setWide(BigInt(captureLimit));
    const errno = mailbox.control(OPS.run_open, ...kinds, +endsWhenCut);
    if (errno !== ERRNO.SUCCESS) {
      throw streamFailed(errno, streams.findIndex(Boolean));
    }
    this.number = mailbox.out;
    this.ends = kinds.map((_, fd) => {
      const end = mailbox.result(fd) | 0;
      return end === NONE ? undefined : end;
    });
    this.#captures = kinds.map((kind, fd) =>
      kind === STREAM.CAPTURE ? mailbox.result(kinds.length + fd) : undefined,
    );
  }

  /** There are streams that close `ends`. */
  handOver() {
    this.#mailbox.control(OPS.run_hand_over);
  }

  /** Writes out what the guest has left in its buffer since the last time. */
  flush() {
    this.#mailbox.control(OPS.run_flush);
  }

  /** The guest ends at its next call. */
  end() {
    this.#mailbox.control(OPS.run_end);
  }

  /** No thread will run it: its ends of pipes are closed, unless it has them. */
  close() {
    this.#mailbox.control(OPS.run_close);
  }

  /** Nothing is asked of it any more. */
  free() {
    this.#mailbox.control(OPS.close);
    this.#mailbox.control(OPS.free_captures);
  }

  /** What stream `fd` has captured; `isCut` where there was more. Or undefined. */
  captured(fd) {
    const number = this.#captures[fd];
    if (number === undefined) return undefined;
    const mailbox = this.#mailbox;
    mailbox.control(OPS.capture_size, number);
    const isCut = mailbox.out === 1;
    const bytes = Buffer.allocUnsafeSlow(mailbox.wideResult(0));
    mailbox.controlWith(OPS.capture_read, bytes, number);
    return { bytes, isCut };
  }
}

module.exports = { Run };
