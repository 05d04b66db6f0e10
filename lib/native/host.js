'use strict';

// The host of a guest in the addon, which has its descriptors and makes its calls.
// lib/engine.js says what a host is.

const { OPS } = require('./abi');
const { createImports } = require('./imports');
const { Mailbox } = require('./mailbox');
const { preopenFailed } = require('../errors');
const { ERRNO } = require('../preview1');

// As in src/binding.c: what `insert` puts there, and what `describe` answers.
const INSERT_HOST = 0;
const INSERT_TARGET = 1;

const IS_FILE = 1 << 1;
const IS_TARGET = 1 << 2;
const MAY_WRITE = 1 << 3;
const MAY_SEEK = 1 << 4;
const IS_NONBLOCK = 1 << 5;

const stringsOf = (strings) =>
  Buffer.from(strings.map((string) => `${string}\0`).join(''));

class NativeHost {
  #mailbox;

  /** The functions for the guest to import. */
  imports;

  constructor(mailbox, deliver) {
    this.#mailbox = mailbox;
    this.imports = createImports(mailbox, deliver);
  }

  setMemory(memory) {
    this.#mailbox.setMemory(memory);
  }

  /** Gives the guest what it begins with. */
  begin({ args, env, streams, preopens }) {
    const set = (op, strings) =>
      this.#mailbox.controlWith(op, stringsOf(strings), strings.length);
    set(OPS.set_args, args);
    set(OPS.set_environ, env);
    streams.forEach((stream, fd) => {
      const errno = this.insert(fd, stream);
      if (errno !== ERRNO.SUCCESS) throw preopenFailed(errno, `fd ${fd}`);
    });
    for (const [guestName, hostPath] of preopens) {
      this.#preopen(guestName, hostPath);
    }
  }

  insert(fd, { hostFd, target }) {
    const insert = (number, what) =>
      this.#mailbox.control(OPS.insert, fd, number, what);
    if (target !== undefined) return insert(target, INSERT_TARGET);
    return insert(hostFd, INSERT_HOST);
  }

  #preopen(guestName, hostPath) {
    const names = stringsOf([hostPath, guestName]);
    const errno = this.#mailbox.controlWith(OPS.preopen, names);
    if (errno !== ERRNO.SUCCESS) throw preopenFailed(errno, hostPath);
  }

  remove(fd) {
    this.#mailbox.control(OPS.remove, fd);
  }

  describe(fd) {
    const answer = this.#mailbox.control(OPS.describe, fd);
    if (answer === 0) return undefined;
    return {
      file: (answer & IS_FILE) !== 0,
      target: answer & IS_TARGET ? this.#mailbox.out : undefined,
      mayWrite: (answer & MAY_WRITE) !== 0,
      maySeek: (answer & MAY_SEEK) !== 0,
      nonblock: (answer & IS_NONBLOCK) !== 0,
    };
  }

  setBuffer(view) {
    this.buffer = view; // keeps it alive: the addon points to it
    this.#mailbox.controlWith(OPS.set_buffer, view);
  }

  writeBuffered(fd, start, length, offset) {
    const positioned = offset !== undefined;
    if (positioned) this.#mailbox.setWide(offset);
    const errno = this.#mailbox.control(
      OPS.write_buffered,
      fd,
      start,
      length,
      positioned ? 1 : 0,
    );
    return { errno, done: this.#mailbox.out >>> 0 };
  }

  stats() {
    this.#mailbox.control(OPS.stats);
    const [calls, bytes] = this.#mailbox.wideResults;
    return { calls, bytes };
  }

  close() {
    this.#mailbox.control(OPS.close);
  }
}

/** Both ways to make one. `binding` is the addon. */
const bind = (binding) => ({
  /** A host of the two calls alone, without a descriptor. */
  createWritesHost: (options, deliver) =>
    new NativeHost(new Mailbox(binding, options, false), deliver),

  /** A host of all calls, with what the guest begins with. */
  createGuestHost(options, deliver) {
    const mailbox = new Mailbox(binding, options, true);
    const host = new NativeHost(mailbox, deliver);
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
