'use strict';

// The streams that a run gives to its guest, opened with node:fs.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ERRNO } = require('../preview1');

const MIN_BLOCK = 4096; // bytes
const MAX_BLOCK = 2 ** 20;

/** A target that keeps up to `limit` bytes, then fails with NOSPC. */
class Capture {
  // Blocks are filled in turn, so that no byte is copied twice.
  #blocks = [];
  #free = 0; // bytes left in the last block
  #size = 0;
  #limit;
  failed = false;
  takes = true;
  errno = ERRNO.NOSPC;
  isCut = false;

  constructor(limit) {
    this.#limit = limit;
  }

  write(chunk) {
    const taken = Math.min(chunk.length, this.#limit - this.#size);
    if (taken < chunk.length) this.isCut = true;
    for (let from = 0; from < taken;) {
      if (this.#free === 0) this.#addBlock();
      const block = this.#blocks.at(-1);
      const part = Math.min(taken - from, this.#free);
      block.set(chunk.subarray(from, from + part), block.length - this.#free);
      from += part;
      this.#free -= part;
      this.#size += part;
    }
    return taken;
  }

  // A block is as large as all before it, within limits: few blocks, little waste.
  #addBlock() {
    this.#free = Math.min(Math.max(this.#size, MIN_BLOCK), MAX_BLOCK);
    this.#blocks.push(Buffer.allocUnsafeSlow(this.#free));
  }

  /** A copy of the bytes kept so far. */
  read() {
    return Buffer.concat(this.#blocks, this.#size);
  }
}

// Opens an unlinked file with these bytes.
function openBytes(bytes) {
  // Loaded late: few runs need it, and it takes a quarter of this package's loading
  // time.
  const { randomUUID } = require('node:crypto');
  const file = path.join(os.tmpdir(), `wasi-writev-${randomUUID()}`);
  const fd = fs.openSync(file, 'wx+', 0o600);
  try {
    fs.unlinkSync(file);
    for (let at = 0; at < bytes.length;) {
      at += fs.writeSync(fd, bytes, at, bytes.length - at, at);
    }
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  return fd;
}

/** The streams of one guest: the files opened for them, and the captures. */
class Streams {
  #add;
  #captures = new Map();
  #opened = [];

  /** @param {(target: object) => number} add gives a target its number */
  constructor(add) {
    this.#add = add;
  }

  /** Converts a stream of lib/engine.js to { hostFd } or { target }. */
  open(fd, stream) {
    const { bytes, capture } = stream;
    if (capture !== undefined) {
      const kept = new Capture(capture);
      const target = this.#add(kept);
      this.#captures.set(target, kept);
      return { target };
    }
    if (stream.hostFd !== undefined || stream.target !== undefined) {
      return stream;
    }
    const hostFd =
      bytes === undefined
        ? fs.openSync(os.devNull, fd === 0 ? 'r' : 'w')
        : openBytes(bytes);
    this.#opened.push(hostFd);
    return { hostFd };
  }

  isCapture(target) {
    return this.#captures.has(target);
  }

  captured(target) {
    return this.#captures.get(target).read();
  }

  isCut(target) {
    return this.#captures.get(target).isCut;
  }

  freeCapture(target) {
    this.#captures.delete(target);
  }

  freeCaptures() {
    this.#captures.clear();
  }

  close() {
    for (const hostFd of this.#opened.splice(0)) fs.closeSync(hostFd);
  }
}

module.exports = { Streams };
