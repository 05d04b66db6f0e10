'use strict';

// A memory of ours that Node's WASI uses for a moment in place of the guest's: for
// arguments that the guest's memory cannot hold, and results that are not for it.

const PAGES = 2;

class Scratch {
  /** Whether Node's WASI has it. */
  active = false;
  #lazy;
  #memory;
  #setMemory;

  /**
   * @param {import('./memory').GuestMemory} memory
   * @param {(memory: WebAssembly.Memory) => void} setMemory of Node's WASI
   */
  constructor(memory, setMemory) {
    this.#memory = memory;
    this.#setMemory = setMemory;
  }

  get #own() {
    this.#lazy ??= new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    return this.#lazy;
  }

  /** Its 128 KiB. */
  get bytes() {
    return new Uint8Array(this.#own.buffer);
  }

  /** What `call` returns. */
  during(call) {
    this.#setMemory(this.#own);
    this.active = true;
    try {
      return call();
    } finally {
      this.active = false;
      const { memory } = this.#memory;
      if (memory !== undefined) this.#setMemory(memory);
    }
  }
}

module.exports = { Scratch };
