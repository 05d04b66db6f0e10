'use strict';

// The host of a guest without the addon: node:fs writes to the streams, and Node's
// WASI makes the other calls. lib/engine.js defines a host.

const { createCalls, createWrites } = require('./calls');
const { GuestFds, entryOfFile, entryOfStream } = require('./fds');
const { Files } = require('./files');
const { NodeCalls } = require('./node-wasi');
const { Streams } = require('./streams');
const { StreamWriter, learnStream } = require('./writes');
const { notStarted } = require('../errors');
const { GuestMemory } = require('../memory');
const { CALLS, ERRNO } = require('../preview1');

const { INVAL } = ERRNO;

/**
 * @param {string} types of the parameters, as in CALLS
 * @param {Function} call gets one number for each type, unsigned
 * @param {() => void} begin throws if a memory is required but missing
 * @returns {Function} returns INVAL to a guest that declares the import with other
 *   types
 */
function checked(types, call, begin) {
  return (...values) => {
    const converted = [];
    for (let i = 0; i < types.length; i++) {
      const value = values[i];
      const type = types[i] === 'i' ? 'number' : 'bigint';
      if (typeof value !== type) return INVAL;
      converted.push(type === 'number' ? value >>> 0 : value);
    }
    begin();
    return call(...converted);
  };
}

function checkedCalls(calls, begin) {
  return Object.fromEntries(
    Object.keys(calls).map((name) => [
      name,
      checked(CALLS[name], calls[name], begin),
    ]),
  );
}

// A closed descriptor also gets an entry; calls on it return BADF.
function learntEntry(stream, nodeFd) {
  const entry = entryOfStream(stream, nodeFd);
  learnStream(entry);
  return entry;
}

class FallbackHost {
  #fds;
  #memory;
  #opened;
  #stats;

  /** The functions for the guest to import. */
  imports;

  constructor({ fds, memory, opened, stats }, imports) {
    this.#fds = fds;
    this.#memory = memory;
    this.#opened = opened;
    this.#stats = stats;
    this.imports = imports;
  }

  combine(writes) {
    return writes;
  }

  setMemory(memory) {
    this.#memory.set(memory);
  }

  insert(fd, stream) {
    const { capture } = this.describe(fd) ?? {};
    this.#fds.insert(fd, learntEntry(this.#opened.open(fd, stream)));
    this.#opened.freeCapture(capture);
  }

  remove(fd) {
    const { capture } = this.describe(fd) ?? {};
    this.#fds.remove(fd);
    this.#opened.freeCapture(capture);
  }

  describe(fd) {
    const entry = this.#fds.get(fd >>> 0);
    if (entry === undefined) return undefined;
    const { target } = entry;
    return {
      target,
      capture: this.#opened.isCapture(target) ? target : undefined,
    };
  }

  captured(number) {
    return this.#opened.captured(number);
  }

  isCut(number) {
    return this.#opened.isCut(number);
  }

  // Nothing is buffered.

  before() {
    return ERRNO.SUCCESS;
  }

  flush() {
    return ERRNO.SUCCESS;
  }

  unflushed() {
    return undefined;
  }

  discard() {
    return 0;
  }

  stats() {
    return { ...this.#stats, buffered: 0, bufferedBytes: 0, flushes: 0 };
  }

  close() {
    this.#fds.close();
    this.#opened.close();
  }

  freeCaptures() {
    this.#opened.freeCaptures();
  }
}

/** A host of fd_write and fd_pwrite only, without any descriptor. */
function createWritesHost({ waitTimeout }, { add, deliver }) {
  const memory = new GuestMemory();
  const stats = { calls: 0, bytes: 0 };
  const fds = new GuestFds();
  const streams = new StreamWriter(waitTimeout, memory, stats);
  const calls = createWrites(fds, streams, deliver);
  const imports = checkedCalls(calls, () => {});
  const opened = new Streams(add);
  return new FallbackHost({ fds, memory, opened, stats }, imports);
}

/** A host of all calls, set up for a guest. */
function createGuestHost(options, { add, deliver }) {
  const { maxOpenFiles, preopens, waitTimeout } = options;
  const opened = new Streams(add);
  const memory = new GuestMemory();
  const stats = { calls: 0, bytes: 0 };
  try {
    const given = options.streams.map((stream, fd) => opened.open(fd, stream));
    const node = new NodeCalls({ ...options, streams: given }, memory);
    const fds = new GuestFds(node, maxOpenFiles);
    const streams = new StreamWriter(waitTimeout, memory, stats);
    const files = new Files(node, memory, stats);

    // Node numbers its streams and preopens in the same order.
    given.forEach((stream, fd) => fds.insert(fd, learntEntry(stream, fd)));
    preopens.forEach((_, i) => {
      const fd = given.length + i;
      const directory = { rights: 0n, writable: false, fdflags: 0 };
      fds.insert(fd, entryOfFile(fd, directory));
    });

    const parts = { deliver, fds, files, memory, node, stats, streams };
    const imports = checkedCalls(createCalls(parts, options), () => {
      if (memory.memory === undefined) throw notStarted();
    });
    return new FallbackHost({ fds, memory, opened, stats }, imports);
  } catch (error) {
    opened.close();
    throw error;
  }
}

module.exports = { createGuestHost, createWritesHost };
