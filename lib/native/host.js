'use strict';

// The host of a guest whose descriptors and calls are in the addon. lib/engine.js
// defines a host.

const { isMainThread } = require('node:worker_threads');
const { BUFFERED, INSERT, IS, OPS } = require('./abi');
const { WriteBuffer } = require('./buffer');
const { Flushes } = require('./flushes');
const { createBufferedWrites, createImports } = require('./imports');
const { Mailbox } = require('./mailbox');
const { preopenFailed, runNotFound, streamFailed } = require('../errors');
const { EMPTY } = require('../memory');
const { ERRNO, ERRNO_NAMES } = require('../preview1');

/** By the option `buffered`. */
const WHAT = new Map([
  ['captures', BUFFERED.CAPTURES],
  ['auto', BUFFERED.AUTO],
  [true, BUFFERED.ALL],
]);

const NO_LIMIT = -1;
const NO_FD = -1;
const NO_TARGET = 2 ** 32 - 1;
const STDIN = 0;

const stringsOf = (strings) =>
  Buffer.from(strings.map((string) => `${string}\0`).join(''));

class NativeHost {
  #buffer;
  #delivery;
  #flushes;
  #mailbox;

  /**
   * The functions for the guest to import. With a buffer, fd_write and fd_pwrite
   * only get the calls that are not plain.
   */
  imports;

  constructor(binding, options, delivery) {
    const { buffered, bufferSize } = options;
    if (buffered !== false) this.#buffer = new WriteBuffer(bufferSize);
    const mailbox = new Mailbox(binding, {
      ...options,
      mayBlock: isMainThread,
    });
    this.#mailbox = mailbox;
    this.#delivery = delivery;
    this.imports = createImports(mailbox);
    mailbox.delivery = {
      deliver: delivery.deliver,
      takes: delivery.takes,
      deliverBuffered: () => this.#deliverBuffered(),
    };
    if (
      options.run !== undefined &&
      mailbox.control(OPS.run_join, options.run) !== ERRNO.SUCCESS
    ) {
      throw runNotFound();
    }
    if (this.#buffer === undefined) return;
    this.#flushes = new Flushes(this);
    Object.assign(this.imports, createBufferedWrites(mailbox, this.#flushes));
    const what = WHAT.get(buffered);
    mailbox.controlWith(OPS.set_buffer, this.#buffer.view, what);
  }

  combine(writes) {
    return this.#buffer === undefined ? writes : this.#buffer.imports(writes);
  }

  setMemory(memory) {
    this.#mailbox.setMemory(memory);
    this.#buffer?.link(memory);
  }

  /** Sets up the arguments, environment, streams and preopens. */
  begin({ args, env, streams, preopens }) {
    const set = (op, strings) => {
      if (strings.length === 0) return;
      this.#mailbox.controlWith(op, stringsOf(strings), strings.length);
    };
    set(OPS.set_args, args);
    set(OPS.set_environ, env);
    streams.forEach((stream, fd) => this.insert(fd, stream));
    for (const [guestName, hostPath] of preopens) {
      this.#preopen(guestName, hostPath);
    }
  }

  insert(fd, stream) {
    const errno = this.#insert(fd, stream);
    if (errno !== ERRNO.SUCCESS) throw streamFailed(errno, fd);
  }

  #insert(fd, { hostFd, target, capture, bytes, run }) {
    const mailbox = this.#mailbox;
    if (run !== undefined) {
      return mailbox.control(OPS.insert, fd, run, INSERT.RUN);
    }
    if (target !== undefined) {
      return mailbox.control(OPS.insert, fd, target, INSERT.TARGET);
    }
    if (capture !== undefined) {
      mailbox.setWide(BigInt(capture));
      return mailbox.control(OPS.insert, fd, 0, INSERT.CAPTURE);
    }
    if (bytes !== undefined) {
      return mailbox.controlWith(OPS.insert_bytes, bytes, fd);
    }
    if (hostFd !== undefined) {
      return mailbox.control(OPS.insert, fd, hostFd, INSERT.HOST);
    }
    return mailbox.control(OPS.insert, fd, fd === STDIN ? 0 : 1, INSERT.NULL);
  }

  #preopen(guestName, hostPath) {
    const names = stringsOf([hostPath, guestName]);
    const errno = this.#mailbox.controlWith(OPS.preopen, names);
    if (errno !== ERRNO.SUCCESS) {
      throw preopenFailed(errno, guestName, hostPath);
    }
  }

  remove(fd) {
    this.#mailbox.control(OPS.remove, fd);
  }

  describe(fd) {
    const answer = this.#mailbox.control(OPS.describe, fd);
    if (answer === 0) return undefined;
    return {
      target: answer & IS.TARGET ? this.#mailbox.out : undefined,
      capture: answer & IS.CAPTURE ? this.#mailbox.out : undefined,
    };
  }

  captured(number) {
    this.before();
    this.#mailbox.control(OPS.capture_size, number);
    const bytes = Buffer.allocUnsafeSlow(this.#mailbox.wideResult(0));
    this.#mailbox.controlWith(OPS.capture_read, bytes, number);
    return bytes;
  }

  isCut(number) {
    this.before();
    this.#mailbox.control(OPS.capture_size, number);
    return this.#mailbox.out === 1;
  }

  // Flushing.

  before(fd = NO_FD) {
    return this.#buffer === undefined
      ? ERRNO.SUCCESS
      : this.#mailbox.operate(OPS.flush_before, fd);
  }

  flush(limit = NO_LIMIT) {
    if (this.#buffer === undefined) return ERRNO.SUCCESS;
    const errno = this.#mailbox.operate(OPS.flush, limit);
    if (errno === ERRNO.SUCCESS || this.unflushed() === undefined) {
      this.#flushes.done();
    }
    return errno;
  }

  unflushed() {
    if (this.#buffer === undefined) return undefined;
    const errno = this.#mailbox.control(OPS.unflushed);
    const pending = this.#mailbox.result(2);
    if (pending === 0) return undefined;
    const fd = this.#mailbox.result(0);
    const target = this.#mailbox.result(3);
    return {
      fd,
      errno,
      code: `E${ERRNO_NAMES[errno]}`,
      pending,
      target: target === NO_TARGET ? undefined : target,
    };
  }

  discard() {
    if (this.#buffer === undefined) return 0;
    this.#mailbox.control(OPS.discard);
    const bytes = this.#mailbox.out >>> 0;
    this.#flushes.done();
    return bytes;
  }

  rethrow() {
    this.#delivery.rethrow();
  }

  // Copies the bytes first: they are delivered at most once, even if the target
  // throws or V8 ends this.
  #deliverBuffered() {
    const mailbox = this.#mailbox;
    mailbox.control(OPS.unflushed);
    const fd = mailbox.result(0);
    const from = mailbox.result(1);
    const length = mailbox.result(2);
    const target = mailbox.result(3);
    const chunk = this.#buffer.view.slice(from, from + length);
    mailbox.control(OPS.taken);
    const { errno, done, canRetry } = this.#delivery.write(target, chunk);
    if (done === length) return { fd, target, errno: ERRNO.SUCCESS };
    const rest = canRetry ? chunk.subarray(done) : EMPTY;
    mailbox.controlWith(OPS.give_back, rest, fd, target, errno, length - done);
    if (mailbox.out === 0) this.#delivery.lose({ fd, errno, rest });
    return { fd, target, errno };
  }

  stats() {
    const mailbox = this.#mailbox;
    mailbox.control(OPS.stats);
    return {
      calls: mailbox.wideResult(0),
      bytes: mailbox.wideResult(1),
      buffered: mailbox.wideResult(2),
      bufferedBytes: mailbox.wideResult(3),
      flushes: mailbox.wideResult(4),
    };
  }

  close() {
    this.#mailbox.control(OPS.close);
    this.#flushes?.done();
  }

  freeCaptures() {
    this.#mailbox.control(OPS.free_captures);
  }
}

/** The constructors of hosts. `binding` is the addon. */
const bind = (binding) => ({
  /** A host of fd_write and fd_pwrite only, without any descriptor. */
  createWritesHost: (options, delivery) =>
    new NativeHost(binding, { ...options, isGuest: false }, delivery),

  /** A host of all calls, set up for a guest. */
  createGuestHost(options, delivery) {
    const host = new NativeHost(
      binding,
      { ...options, isGuest: true },
      delivery,
    );
    try {
      host.begin(options);
      return host;
    } catch (error) {
      host.close();
      throw error;
    }
  },
});

module.exports = { bind };
