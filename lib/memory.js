'use strict';

// The guest's memory, as JS sees it.

const { types } = require('node:util');
const { IOVEC_SIZE, ERRNO } = require('./preview1');

const LIST_MAX = 65536;

// Up to this size a loop is faster.
const SMALL = 64;

const EMPTY = new Uint8Array(0);

// This getter accepts memories of all realms, but no objects that only look like
// one.
const getBuffer = Object.getOwnPropertyDescriptor(
  WebAssembly.Memory.prototype,
  'buffer',
).get;

/**
 * @param {unknown} value
 * @returns {boolean} whether `value` is a `WebAssembly.Memory` of any realm
 */
function isMemory(value) {
  try {
    getBuffer.call(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {WebAssembly.Memory
 * undefined} memory
 * @returns {Uint8Array} a view of all of it, empty without a memory
 */
function viewOf(memory) {
  return memory === undefined ? EMPTY : new Uint8Array(getBuffer.call(memory));
}

function isShared(memory) {
  return types.isSharedArrayBuffer(getBuffer.call(memory));
}

/**
 * A guest's memory and its current view. Pointers and lengths are u32, even if wasm
 * passed them as negative numbers.
 */
class GuestMemory {
  #memory;
  /** Views of the whole memory, as bytes and as words, valid until it grows. */
  view = EMPTY;
  words = new DataView(EMPTY.buffer);
  shared = false;

  get memory() {
    return this.#memory;
  }

  set(memory) {
    this.#memory = memory;
    this.shared = memory !== undefined && isShared(memory);
    this.#refresh();
  }

  #refresh() {
    const size = this.view.byteLength;
    this.view = viewOf(this.#memory);
    // Without a length, so that it follows a resizable buffer like `view`.
    this.words = new DataView(this.view.buffer);
    return this.view.byteLength !== size;
  }

  /**
   * Whether `length` bytes at `pointer` are in bounds. Sees that the memory has
   * grown: the old view is empty then, and a shared memory is checked again.
   */
  has(pointer, length) {
    if (this.view.byteLength === 0) this.#refresh();
    pointer >>>= 0;
    return (
      pointer + length <= this.view.byteLength ||
      (this.#refresh() && pointer + length <= this.view.byteLength)
    );
  }

  // These words are in bounds: a call of Node's has just read or written them. The
  // memory may have grown since.

  u32(pointer) {
    this.has(pointer, 4);
    return this.words.getUint32(pointer >>> 0, true);
  }

  u64(pointer) {
    this.has(pointer, 8);
    return this.words.getBigUint64(pointer >>> 0, true);
  }

  setU16(pointer, value) {
    this.has(pointer, 2);
    this.words.setUint16(pointer >>> 0, value, true);
  }

  setU32(pointer, value) {
    this.has(pointer, 4);
    this.words.setUint32(pointer >>> 0, value, true);
  }

  setU64(pointer, value) {
    this.has(pointer, 8);
    this.words.setBigUint64(pointer >>> 0, value, true);
  }

  /**
   * Copies bytes that are in bounds. `set` has to create a view, so small copies use
   * a loop.
   */
  copy(pointer, length, target, at) {
    const { view } = this;
    if (length > SMALL) {
      target.set(view.subarray(pointer, pointer + length), at);
      return;
    }
    for (let i = 0; i < length; i++) target[at + i] = view[pointer + i];
  }

  /**
   * Checks the arguments of either call as src/iovec.c does, and fills `list` with
   * the non-empty buffers. Reads each element once. Keeps at most LIST_MAX elements;
   * a longer list gets a short count.
   *
   * @param {BufferList} list
   * @returns {number} SUCCESS, FAULT or INVAL
   */
  readList(iovs, iovsLen, nwritten, list) {
    list.count = 0;
    list.total = 0;
    iovs >>>= 0;
    iovsLen >>>= 0;
    if (!this.has(nwritten, 4)) return ERRNO.FAULT;
    if (!this.has(iovs, iovsLen * IOVEC_SIZE)) return ERRNO.FAULT;
    let sum = 0;
    for (let i = 0; i < iovsLen; i++) {
      const at = iovs + i * IOVEC_SIZE;
      const pointer = this.words.getUint32(at, true);
      const length = this.words.getUint32(at + 4, true);
      if (length === 0) continue;
      if (!this.has(pointer, length)) return ERRNO.FAULT;
      sum += length;
      if (list.count === LIST_MAX) continue;
      list.pointers[list.count] = pointer;
      list.lengths[list.count] = length;
      list.count++;
      list.total += length;
    }
    return sum > 0xffffffff ? ERRNO.INVAL : ERRNO.SUCCESS;
  }
}

/**
 * @typedef {object} BufferList the first `count` elements of both arrays; the rest
 *   is left from earlier lists
 * @property {number[]} pointers
 * @property {number[]} lengths
 * @property {number} count
 * @property {number} total the sum of `lengths`
 */

/** @returns {BufferList} */
const createList = () => ({ pointers: [], lengths: [], count: 0, total: 0 });

module.exports = {
  EMPTY,
  GuestMemory,
  createList,
  isMemory,
  isShared,
  viewOf,
};
