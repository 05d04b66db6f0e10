'use strict';

// The history of one number of a table: puts and removals by calls that overlap.
// Each call did its work at some moment between its `begin` and its `end`.

/** The index of the first element with a `begin` above `time`. `list` is sorted. */
function firstAfter(list, time) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle].begin > time) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The two of three that end last, latest first. */
const lastTwo = (list) => list.sort((a, b) => b.end - a.end).slice(0, 2);

class NumberHistory {
  #puts = [];
  #removals = [];
  // For the puts up to an index: when the last of them is gone.
  #lastGone = [];
  // For the removals up to an index: the two that end last.
  #lastEnds = [];
  // For the removals from an index on, except pending ones: the earliest end.
  #firstEnd = [];

  /** `pending`: it may not have happened. */
  put(put) {
    this.#puts.push(put);
  }

  remove(removal) {
    this.#removals.push(removal);
  }

  /** Call it after all puts and removals, before the methods below. */
  sort() {
    const puts = this.#puts.sort((a, b) => a.begin - b.begin);
    const removals = this.#removals.sort((a, b) => a.begin - b.begin);
    let first = Infinity;
    for (let i = removals.length - 1; i >= 0; i--) {
      if (!removals[i].pending) first = Math.min(first, removals[i].end);
      this.#firstEnd[i] = first;
    }
    removals.forEach((removal, i) => {
      const before = this.#lastEnds[i - 1] ?? [];
      this.#lastEnds.push(lastTwo([...before, removal]));
    });
    puts.forEach((put, i) => {
      // The first removal that began after the put took it away.
      put.gone = this.#firstEnd[firstAfter(removals, put.end)] ?? Infinity;
      this.#lastGone.push(Math.max(put.gone, this.#lastGone[i - 1] ?? 0));
    });
  }

  /** The puts that may have been there at some moment between two times. */
  between(begin, end) {
    const found = [];
    for (let i = firstAfter(this.#puts, end) - 1; i >= 0; i--) {
      if (this.#lastGone[i] < begin) break;
      if (this.#puts[i].gone >= begin) found.push(this.#puts[i]);
    }
    return found;
  }

  /** Whether something was certainly there all the time between two times. */
  isOpen(begin, end) {
    const index = firstAfter(this.#removals, end) - 1;
    const [last, second] = this.#lastEnds[index] ?? [];
    // A renumber also removes what was there before its own put.
    const own = last && firstAfter(this.#puts, last.begin - 1);
    const after = (i, time = 0) => {
      const put = this.#puts[i];
      return put && !put.pending && put.begin > time && put.end < begin;
    };
    if (last && this.#puts[own]?.begin === last.begin) {
      if (after(own, second?.end)) return true;
    }
    for (
      let i = firstAfter(this.#puts, last?.end ?? 0);
      this.#puts[i]?.begin < begin;
      i++
    ) {
      if (after(i)) return true;
    }
    return false;
  }
}

module.exports = { NumberHistory };
