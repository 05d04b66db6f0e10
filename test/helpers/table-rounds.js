'use strict';

// Threads of one guest that make random calls on its numbers, until they are done or
// are terminated. Afterwards the log must be consistent, and nothing may be left
// open.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { setImmediate } = require('node:timers/promises');
const {
  afterThreads,
  assertNoneLeft,
  countDescriptors,
} = require('./descriptors');
const { GuestThread, newMemory } = require('./guest-threads');
const { checkTable } = require('./table-history');
const { TableLog } = require('./table-log');
const { makePlaces } = require('./table-places');
const { TableWalker } = require('./table-walker');
const { ThreadSession } = require('./thread-session');

const NUMBERS = [4, 36]; // 3 is the directory
const MAIN = 0; // lane and page of the calling thread
const CALLS_PER_STEP = 2; // in the log

/** Calls back when the clock of the log reaches a time. */
async function at(log, time, running, callback) {
  while (log.time < time && running()) await setImmediate();
  if (running()) await callback();
}

/** Runs the threads, and terminates some of them at times of the log's clock. */
async function walk(log, threads, plans, { terminate, closeMain, main }) {
  let left = threads.length;
  const running = () => left > 0;
  const cut = new Set();
  const walks = threads.map(async (thread, i) => {
    try {
      await thread.call('walk', plans[i]);
    } catch (error) {
      if (!cut.has(thread)) throw error;
    } finally {
      left--;
    }
  });
  const ends = threads.map((thread, i) =>
    at(log, terminate?.[i] ?? Infinity, running, () => {
      cut.add(thread);
      return thread.terminate();
    }),
  );
  const close = at(log, closeMain, running, () => main.closeAll());
  await Promise.all([...walks, ...ends, close]);
}

/**
 * Runs one round. Each plan is a partial plan of TableWalker; the lane of a thread
 * is its page.
 *
 * @param {object} options `directory`: empty; `plans`; `seed`; `count`: calls of
 *   each thread; `opened`: places open from 4 on at the start; `terminate`: a time
 *   for each thread, or undefined; `closeMain`: when to close the calling thread's
 *   instance, by default at the end; `buffered`
 */
async function runRound(options) {
  const { directory, plans, seed, count, opened = [] } = options;
  const { terminate, closeMain = Infinity, buffered } = options;
  const lanes = plans.length + 1;
  const length = CALLS_PER_STEP * count + opened.length;
  const inodes = makePlaces(directory, lanes * length);
  const before = countDescriptors();

  const memory = newMemory(lanes);
  const log = new TableLog({ lanes, length });
  const data = { memory, options: { preopens: { '/': directory }, buffered } };
  const common = { log: log.data, inodes, count, numbers: NUMBERS };
  const main = new ThreadSession({ ...data, page: MAIN });
  const opener = new TableWalker(main, { ...common, lane: MAIN, seed });
  for (const place of opened) opener.openPlace(place);

  const threads = plans.map(
    (_, i) => new GuestThread({ ...data, page: i + 1 }),
  );
  threads.forEach((thread, i) =>
    thread.worker.once('exit', () => log.endLane(i + 1)),
  );
  try {
    const walkers = plans.length;
    const full = plans.map((plan, i) => ({
      ...common,
      ...plan,
      lane: i + 1,
      seed: seed + i,
      walkers,
    }));
    await walk(log, threads, full, { terminate, closeMain, main });
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
    main.closeAll();
  }
  await afterThreads(() => assertNoneLeft(before));
  const figures = checkTable(log, directory);
  return { ...figures, log };
}

/** Removes the files of a round. */
function clear(directory) {
  for (const name of fs.readdirSync(directory)) {
    fs.rmSync(`${directory}/${name}`, { recursive: true });
  }
}

/** How many calls of a kind the lanes have, and how many failed. */
function countCalls(log, kind, lanes) {
  let calls = 0;
  let failed = 0;
  for (const entry of log.entries()) {
    if (entry.kind !== kind || !lanes.includes(entry.lane)) continue;
    calls++;
    if (entry.errno !== 0) failed++;
  }
  assert.ok(calls > 0, `no ${kind} in ${lanes}`);
  return { calls, failed };
}

module.exports = { clear, countCalls, runRound };
