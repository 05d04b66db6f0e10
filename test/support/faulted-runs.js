'use strict';

// Run as a process with faults.so: the plans of some seeds, one after another.
//
//   node faulted-runs.js DIRECTORY SEED PLANS
//
// Prints how it went as JSON: how many plans and calls there were, and what was
// wrong with the first plan that failed. DIRECTORY has a FIFO.

const { perform, planOf, Place } = require('./fault-plans');
const { Faults } = require('./faults');

const [directory, seed, count] = process.argv.slice(2);
const faults = new Faults();
const place = new Place(directory);
const summary = { plans: 0, calls: 0, faults: 0, held: 0 };

for (let i = 0; i < Number(count); i++) {
  const plan = planOf(Number(seed) + i);
  try {
    const { log, thrown } = perform(plan, faults, place);
    summary.plans++;
    summary.calls += log.length;
    summary.faults += log.filter(
      ({ error, result, asked }) => error !== undefined || result < asked,
    ).length;
    if (thrown?.pending !== undefined) summary.held++;
  } catch (error) {
    summary.failure = { seed: plan.seed, error: error.stack, plan };
    break;
  }
}
process.stdout.write(JSON.stringify(summary));
