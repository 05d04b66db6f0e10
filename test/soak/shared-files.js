'use strict';

// Threads of one guest open, write, read, renumber and close files of any of them.
// No byte may be in a wrong file, and nothing may stay open.

const { clear, runRound } = require('../helpers/table-rounds');

const MAX_THREADS = 8;
const CALLS = 2000; // of each thread, in a round

/** Terminates some threads, each at its own time. */
function planRound(random, count) {
  const threads = random.between(2, MAX_THREADS);
  const clock = 2 * threads * count; // each call has a begin and an end
  return {
    plans: Array(threads).fill({}),
    terminate: Array.from({ length: threads }, () =>
      random.oneIn(3) ? random.between(1, clock) : undefined,
    ),
    closeMain: random.oneIn(2) ? random.below(clock) : undefined,
    buffered: random.pick([false, true, 'auto']),
    seed: random.below(2 ** 31),
  };
}

module.exports = {
  count: 2_000_000,
  unit: 'calls',

  async run({ count, random, directory, progress }) {
    const figures = { calls: 0, written: 0, seen: 0, terminated: 0, rounds: 0 };
    while (figures.calls < count) {
      const calls = Math.min(CALLS, Math.ceil(count / 4));
      const plan = planRound(random, calls);
      const { log, written, seen } = await runRound({
        ...plan,
        directory,
        count: calls,
      });
      clear(directory);
      figures.calls += [...log.entries()].length;
      figures.written += written;
      figures.seen += seen;
      figures.terminated += plan.terminate.filter(Boolean).length;
      figures.rounds++;
      progress(figures.calls);
    }
    return figures;
  },
};
