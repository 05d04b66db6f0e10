'use strict';

// The log of the threads that use one descriptor table. It is in a shared memory, so
// that it survives the termination of a thread. All threads read the same counting
// clock, so their times can be compared.

const KINDS = ['open', 'close', 'renumber', 'write', 'pwrite', 'see'];

const FIELDS = 7; // kind, a, b, begin, end, errno, value

// The cells in front of the entries.
const CLOCK = 0;
const ARRIVED = 1;
const LANES = 2;
const LANE_CELLS = 2; // for each lane: its number of entries; when its thread ended

const GATE_TIMEOUT = 30_000; // ms

class TableLog {
  #cells;

  /**
   * @param {object} data `lanes`: one for each thread; `length` of each; `buffer`:
   *   of an existing log
   */
  constructor({ lanes, length, buffer }) {
    this.lanes = lanes;
    this.length = length;
    const cells = LANES + lanes * (LANE_CELLS + length * FIELDS);
    this.buffer = buffer ?? new SharedArrayBuffer(4 * cells);
    this.#cells = new Int32Array(this.buffer);
  }

  /** Creates the same log in another thread. */
  get data() {
    const { lanes, length, buffer } = this;
    return { lanes, length, buffer };
  }

  /** A new time, later than all before. */
  now() {
    return Atomics.add(this.#cells, CLOCK, 1) + 1;
  }

  get time() {
    return Atomics.load(this.#cells, CLOCK);
  }

  /** Waits until `count` threads have called this. */
  arrive(count) {
    const arrived = Atomics.add(this.#cells, ARRIVED, 1) + 1;
    if (arrived === count) Atomics.notify(this.#cells, ARRIVED);
    for (let seen = arrived; seen < count;) {
      Atomics.wait(this.#cells, ARRIVED, seen, GATE_TIMEOUT);
      const next = Atomics.load(this.#cells, ARRIVED);
      if (next === seen) throw new Error('the other threads did not come');
      seen = next;
    }
  }

  #laneAt(lane) {
    return LANES + lane * (LANE_CELLS + this.length * FIELDS);
  }

  #entryAt(lane, index) {
    return this.#laneAt(lane) + LANE_CELLS + index * FIELDS;
  }

  count(lane) {
    return Atomics.load(this.#cells, this.#laneAt(lane));
  }

  /** Logs the beginning of a call. Returns its index in the lane. */
  begin(lane, kind, a, b = 0) {
    const index = this.count(lane);
    if (index === this.length) throw new RangeError('the log is full');
    const fields = [KINDS.indexOf(kind), a, b, this.now(), 0];
    this.#cells.set(fields, this.#entryAt(lane, index));
    Atomics.store(this.#cells, this.#laneAt(lane), index + 1);
    return index;
  }

  /** Logs the end of a call. `value`: the number opened, or the place seen. */
  end(lane, index, errno, value = 0) {
    const at = this.#entryAt(lane, index);
    this.#cells.set([errno, value], at + 5);
    Atomics.store(this.#cells, at + 4, this.now());
  }

  /** Logs the end of the thread, wherever it was. */
  endLane(lane) {
    Atomics.store(this.#cells, this.#laneAt(lane) + 1, this.now());
  }

  /** `pending`: the thread ended during the call, whose effect is unknown. */
  entry(lane, index) {
    const at = this.#entryAt(lane, index);
    const [kind, a, b, begin, end, errno, value] = this.#cells.subarray(
      at,
      at + FIELDS,
    );
    const pending = end === 0;
    const ended = this.#cells[this.#laneAt(lane) + 1];
    return {
      kind: KINDS[kind],
      a,
      b,
      begin,
      end: pending ? ended : end,
      errno,
      value,
      pending,
    };
  }

  *entries() {
    for (let lane = 0; lane < this.lanes; lane++) {
      const count = this.count(lane);
      for (let index = 0; index < count; index++) {
        yield { lane, index, ...this.entry(lane, index) };
      }
    }
  }
}

module.exports = { TableLog };
