'use strict';

// JS is ended at any moment, by terminate() of a worker, a vm timeout or a full
// stack. All accepted bytes must arrive once and in order, and no descriptor may be
// left open.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');
const { engine } = require('../..');
const {
  CELLS,
  DIGITS,
  MANY,
  STATE,
  TARGETS,
  TASKS,
  linesOf,
  newNotes,
} = require('../fixtures/ends-guest');
const { CUTS, survive } = require('../fixtures/ends-thread');
const {
  assertNoneLeft,
  countDescriptors,
  soon,
} = require('../helpers/descriptors');
const { LINE, lineOf } = require('../helpers/records');

const THREAD = require.resolve('../fixtures/ends-thread');
const LONGEST = 30; // ms until terminate()
const SIZES = [LINE, 100 * LINE, 4096 * LINE];
const WAYS = ['terminate', 'timeout', 'stack'];
const IO = 29;

function planOne(random) {
  return {
    task: random.pick(TASKS),
    way: random.pick(WAYS),
    buffered: random.oneIn(2),
    bufferSize: random.pick(SIZES),
    inThread: random.oneIn(4),
    early: random.oneIn(4),
    after: random.below(LONGEST),
    seed: random.below(2 ** 31),
  };
}

/** The whole records in `bytes`. None may be duplicated or misplaced. */
function recordsOf(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const line = bytes.subarray(at, at + LINE);
    const index = Number(line.toString('latin1'));
    const record = Buffer.alloc(linesOf(index) * LINE, lineOf(index));
    const there = bytes.subarray(at, at + record.length);
    assert.ok(there.equals(record), `no record ${index} at ${at}: ${line}`);
    assert.ok(!(index <= found.at(-1)), `${index} follows ${found.at(-1)}`);
    found.push(index);
    at += record.length;
  }
  return found;
}

/** The records in the files of `opens`, which have at most one each. */
function recordsOfFiles(directory) {
  const found = [];
  for (const name of fs.readdirSync(directory).sort()) {
    if (name.length !== DIGITS) continue;
    const records = recordsOf(fs.readFileSync(path.join(directory, name)));
    assert.deepEqual(records, records.length === 0 ? [] : [Number(name)]);
    found.push(...records);
  }
  return found;
}

/** How many accepted records may be missing. */
function lossOf({ task, way, buffered }) {
  if (task === 'stream') return 'any'; // Node ends in the middle of a chunk as well
  if (task === 'capture') return way === 'terminate' ? 'any' : 'none';
  if (task === 'function' && way === 'stack') return 'any'; // it throws
  if (!buffered) return 'none';
  if (way === 'terminate') return task === 'function' ? 'any' : 'tail';
  return task === 'function' ? 'chunks' : 'none';
}

/** The accepted records that are missing: the first of each run. */
function lostRuns(found, { cells, states }, end = cells[CELLS.NEXT]) {
  const there = new Set(found);
  const runs = [];
  let inRun = false;
  for (let index = 0; index < end; index++) {
    if (there.has(index)) inRun = false;
    if (there.has(index) || states[index] !== STATE.TOLD) continue;
    if (!inRun) runs.push(index);
    inRun = true;
  }
  return runs;
}

function assertTold(found, plan) {
  const next = plan.cells[CELLS.NEXT];
  for (const index of found) assert.ok(index < next, `${index} is not written`);
  const loss = lossOf(plan);
  if (loss === 'any') return;
  const end = loss === 'tail' ? (found.at(-1) ?? -1) : next;
  const lost = lostRuns(found, plan, end);
  const most = loss === 'chunks' ? CUTS : 0;
  assert.ok(lost.length <= most, `lost of ${next}, from each on: ${lost}`);
}

function check(plan, directory) {
  const { task, way } = plan;
  const wrong = plan.cells[CELLS.WRONG];
  const mayFail = way === 'stack' && ['function', 'stream'].includes(task);
  assert.ok(wrong === 0 || (mayFail && wrong === IO), `wrong: ${wrong}`);
  const file = path.join(directory, task in TARGETS ? 'sink' : 'file');
  const found =
    task === 'opens'
      ? recordsOfFiles(directory)
      : recordsOf(
          fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0),
        );
  assertTold(found, plan);
  return found.length;
}

async function terminate(plan) {
  const worker = new Worker(THREAD, { workerData: { endsPlan: plan } });
  const failed = once(worker, 'error').then(([error]) => {
    throw error;
  });
  failed.catch(() => {});
  if (!plan.early) await Promise.race([failed, once(worker, 'message')]);
  await Promise.race([failed, setTimeout(plan.after)]);
  await worker.terminate();
}

async function end(plan) {
  if (plan.way === 'terminate') {
    await terminate(plan);
  } else if (plan.inThread) {
    const worker = new Worker(THREAD, { workerData: { endsPlan: plan } });
    assert.deepEqual(await once(worker, 'exit'), [0]);
  } else {
    survive(plan);
  }
}

function makeFiles(directory) {
  fs.mkdirSync(path.join(directory, 'many'), { recursive: true });
  for (let i = 0; i < MANY; i++) {
    fs.writeFileSync(path.join(directory, 'many', `entry ${i}`), '');
  }
}

function removeFiles(directory) {
  for (const name of fs.readdirSync(directory)) {
    if (name !== 'many') fs.unlinkSync(path.join(directory, name));
  }
}

async function endOne(random, directory) {
  const before = countDescriptors();
  const sink = fs.openSync(path.join(directory, 'sink'), 'a');
  const plan = { ...planOne(random), ...newNotes(), directory, sink };
  try {
    await end(plan);
    const found = check(plan, directory);
    fs.closeSync(sink);
    await soon(() => assertNoneLeft(before));
    return { ends: plan.way === 'terminate' ? 1 : CUTS, found };
  } catch (error) {
    const { task, way, buffered, bufferSize, inThread } = plan;
    const what = JSON.stringify({ task, way, buffered, bufferSize, inThread });
    throw new Error(what, { cause: error });
  } finally {
    removeFiles(directory);
  }
}

module.exports = {
  count: 10_000,
  unit: 'ends',

  async run({ count, random, directory, progress }) {
    const figures = { ends: 0, guests: 0, records: 0 };
    if (engine !== 'native') return figures; // Node's WASI cannot be ended
    makeFiles(directory);
    while (figures.ends < count) {
      const { ends, found } = await endOne(random, directory);
      figures.ends += ends;
      figures.guests++;
      figures.records += found;
      progress(figures.ends);
    }
    return figures;
  },
};
