'use strict';

// The arguments of one call, at any address in a guest's memory.

const { putBytes, putIovs } = require('./guest');

const FILLER = 0xa5;
const ALIGNMENT = 8;

/**
 * A place in memory that an argument points to.
 *
 * @typedef {object} Place
 * @property {number} offset from the first place
 * @property {number} size in bytes
 * @property {number[][]} varies [from, to] of bytes that differ in each call
 * @property {number[]} pointers offsets of words that the call sets to pointers
 * @property {Function} [put] writes the call's input
 */

/** Lays out the places of a call, one after another. */
class Places {
  #places = [];
  #size = 0;

  #add(size, details) {
    const place = { offset: this.#size, size, varies: [], pointers: [] };
    Object.assign(place, details);
    this.#places.push(place);
    this.#size += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    return place;
  }

  /** Room for a result. */
  room(size, ...varies) {
    return this.#add(size, { varies });
  }

  /** Room for `count` pointers. */
  roomForPointers(count) {
    const pointers = Array.from({ length: count }, (_, i) => 4 * i);
    return this.#add(4 * count, { pointers });
  }

  bytes(bytes) {
    const put = (memory, at) => putBytes(memory, at, bytes);
    return this.#add(bytes.length, { put });
  }

  /** A path, followed by a NUL as in C, and its length. */
  path(text) {
    return [{ ...this.bytes(`${text}\0`), size: text.length }, text.length];
  }

  /** A list with these places as buffers, and its length. */
  list(...buffers) {
    const put = (memory, at, base) =>
      putIovs(
        memory,
        at,
        buffers.map(({ offset, size }) => [base + offset, size]),
      );
    const pointers = buffers.map((_, i) => 8 * i);
    return [
      this.#add(8 * buffers.length, { put, pointers, isList: true }),
      buffers.length,
    ];
  }

  get size() {
    return this.#size;
  }

  /** Fills the places; the first one is at `base`. */
  put(memory, base) {
    new Uint8Array(memory.buffer, base, this.#size).fill(FILLER);
    for (const { put, offset } of this.#places) {
      put?.(memory, base + offset, base);
    }
  }

  /**
   * The contents of the places after a call, independent of `base`: pointers become
   * relative, and varying bytes are left out.
   *
   * @returns {{ bytes: Buffer, untouched: number }} `untouched`: how many of the
   *   varying ranges were not written
   */
  read(memory, base) {
    const bytes = Buffer.from(memory.buffer.slice(base, base + this.#size));
    let untouched = 0;
    for (const { offset, pointers, varies } of this.#places) {
      for (const at of pointers) {
        bytes.writeInt32LE(
          (bytes.readUInt32LE(offset + at) - base) | 0,
          offset + at,
        );
      }
      for (const [from, to] of varies) {
        const range = bytes.subarray(offset + from, offset + to);
        if (range.every((byte) => byte === FILLER)) untouched++;
        range.fill(0);
      }
    }
    return { bytes, untouched };
  }
}

module.exports = { Places };
