'use strict';

// The host of a guest where no addon loads: node:fs writes the streams, and Node's
// own WASI makes the other calls, each behind a JS function. lib/engine.js says what
// a host is.

const { createCalls, createWrites } = require('./calls');
const { GuestFds, canSeek, entryOfFile, entryOfStream } = require('./fds');
const { Files } = require('./files');
const { NodeCalls } = require('./node-wasi');
const { StreamWriter, learnStream } = require('./writes');
const { notStarted } = require('../errors');
const { EMPTY, GuestMemory } = require('../memory');
const { CALLS, ERRNO, FDFLAGS, RIGHTS } = require('../preview1');

const { INVAL } = ERRNO;

/**
 * @param {string} types of the parameters, as in CALLS
 * @param {Function} call gets unsigned numbers, and as many as there are types
 * @param {() => void} begin throws where there must be a memory, and is none
 * @returns {Function} INVAL for a guest that declares the import with other types
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

// One that is closed gets an entry too, which answers BADF.
function learntEntry(stream, nodeFd) {
  const entry = entryOfStream(stream, nodeFd);
  learnStream(entry);
  return entry;
}

class FallbackHost {
  #buffer = EMPTY;
  #fds;
  #files;
  #memory;
  #stats;
  #streams;

  /** The functions for the guest to import. */
  imports;

  constructor({ fds, files, memory, stats, streams }, imports) {
    this.#fds = fds;
    this.#files = files;
    this.#memory = memory;
    this.#stats = stats;
    this.#streams = streams;
    this.imports = imports;
  }

  setMemory(memory) {
    this.#memory.set(memory);
  }

  insert(fd, stream) {
    this.#fds.insert(fd, learntEntry(stream));
    return ERRNO.SUCCESS;
  }

  remove(fd) {
    this.#fds.remove(fd);
  }

  describe(fd) {
    const entry = this.#fds.get(fd >>> 0);
    if (entry === undefined) return undefined;
    // On failure a write fails too.
    const errno =
      entry.hostFd === undefined && entry.target === undefined
        ? this.#files.learn(entry)
        : learnStream(entry);
    const { fdflags, kind, rights, target, writable } = entry;
    return {
      file: kind === 'file',
      target,
      mayWrite:
        errno === ERRNO.SUCCESS &&
        writable &&
        (rights & RIGHTS.FD_WRITE) !== 0n,
      maySeek: canSeek(entry) && (rights & RIGHTS.FD_SEEK) !== 0n,
      nonblock: (fdflags & FDFLAGS.NONBLOCK) !== 0,
    };
  }

  setBuffer(view) {
    this.#buffer = view;
  }

  writeBuffered(fd, start, length, offset) {
    const entry = this.#fds.get(fd >>> 0);
    if (entry === undefined) return { errno: ERRNO.BADF, done: 0 };
    const chunk = this.#buffer.subarray(start, start + length);
    const writer = entry.hostFd === undefined ? this.#files : this.#streams;
    return writer.writeBuffered(entry, chunk, offset);
  }

  stats() {
    return { ...this.#stats };
  }

  close() {
    this.#fds.close();
  }
}

/** A host of the two calls alone, without a descriptor. */
function createWritesHost({ waitTimeout }, deliver) {
  const memory = new GuestMemory();
  const stats = { calls: 0, bytes: 0 };
  const fds = new GuestFds();
  const streams = new StreamWriter(waitTimeout, memory, stats);
  const calls = createWrites(fds, streams, deliver);
  const imports = checkedCalls(calls, () => {});
  return new FallbackHost({ fds, memory, stats, streams }, imports);
}

/** A host of all calls, with what the guest begins with. */
function createGuestHost(options, deliver) {
  const { maxOpenFiles, preopens, waitTimeout } = options;
  const memory = new GuestMemory();
  const stats = { calls: 0, bytes: 0 };
  const node = new NodeCalls(options, memory);
  const fds = new GuestFds(node, maxOpenFiles);
  const streams = new StreamWriter(waitTimeout, memory, stats);
  const files = new Files(node, waitTimeout, memory, stats);

  // Node's numbers are in this order too.
  options.streams.forEach((stream, fd) => {
    fds.insert(fd, learntEntry(stream, fd));
  });
  preopens.forEach((_, i) => {
    const fd = options.streams.length + i;
    const directory = { rights: 0n, writable: false, fdflags: 0 };
    fds.insert(fd, entryOfFile(fd, directory));
  });

  const parts = { deliver, fds, files, memory, node, stats, streams };
  const imports = checkedCalls(createCalls(parts, options), () => {
    if (memory.memory === undefined) throw notStarted();
  });
  return new FallbackHost(parts, imports);
}

module.exports = { createGuestHost, createWritesHost };
