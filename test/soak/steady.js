'use strict';

// Whether memory, descriptors and speed stay as they are over many calls.

const assert = require('node:assert/strict');
const v8 = require('node:v8');
const vm = require('node:vm');
const { assertNoneLeft, countDescriptors } = require('../helpers/descriptors');

const MIB = 2 ** 20;
const GROWTH = 2; // MiB
const BATCHES = 200;
const TENTH = BATCHES / 10;
const WARM_UP = 20_000; // calls at the least

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

/** Of this process, after a collection, in MiB. */
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
 * Runs `once` for `count` times, after a tenth of that, or more, to warm up. Asserts
 * that neither memory nor descriptors grow: the memory of a tenth is what is in use
 * after it, and that varies by a MiB or two, so the least of each half counts.
 *
 * @returns {object} MiB in both halves; `slowdown`: the CPU time of a call in the
 *   last tenth, by that of one in the first
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
