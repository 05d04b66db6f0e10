'use strict';

// Whether memory, descriptors and speed stay the same over many calls.

const assert = require('node:assert/strict');
const v8 = require('node:v8');
const vm = require('node:vm');
const { assertNoneLeft, countDescriptors } = require('../helpers/descriptors');

const MIB = 2 ** 20;
const GROWTH = 2; // MiB
const BATCHES = 200;
const TENTH = BATCHES / 10;
const WARM_UP = 20_000; // at least

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

/** The resident memory after a collection, in MiB. */
function residentSize() {
  collect();
  collect();
  return process.memoryUsage.rss() / MIB;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** The CPU time of this process, in microseconds. */
function cpuTime() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/**
 * Calls `once` `count` times, after a warm-up of at least a tenth of that. Asserts
 * that memory and descriptors do not grow. Memory is measured after each tenth. It
 * varies by a MiB or two, so the least of each half counts.
 *
 * @returns {object} MiB of both halves; `slowdown`: the CPU time of a call in the
 *   last tenth, divided by that in the first
 */
function keepsSteady(count, once, progress) {
  const size = Math.ceil(count / BATCHES);
  const times = [];
  const sizes = [];
  const before = countDescriptors();
  for (let i = 0; i < Math.max(WARM_UP, count / 10); i++) once();
  for (let batch = 0; batch < BATCHES; batch++) {
    if (batch % TENTH === 0) sizes.push(residentSize());
    const begin = cpuTime();
    for (let i = 0; i < size; i++) once();
    times.push(cpuTime() - begin);
    progress(batch * size);
  }
  sizes.push(residentSize());
  assertNoneLeft(before);
  const half = sizes.length >> 1;
  const first = Math.min(...sizes.slice(0, half));
  const last = Math.min(...sizes.slice(half));
  assert.ok(last - first <= GROWTH, `from ${first} MiB to ${last}`);
  const slowdown = median(times.slice(-TENTH)) / median(times.slice(0, TENTH));
  return { calls: BATCHES * size, first, last, slowdown };
}

module.exports = { keepsSteady };
