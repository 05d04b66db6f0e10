'use strict';

// Measures one curve of one rival: answers with a point for each value, then `done`.

const fs = require('node:fs');
const path = require('node:path');
const {
  Worker,
  isMainThread,
  parentPort,
  workerData,
} = require('node:worker_threads');
const { fill, open, turn } = require('./guest');
const { summary } = require('./statistics');

const ROOT = 3; // the guest's fd of the preopened directory
const WARM_UP_BATCH = 2e6; // ns
const WARM_UP_BATCHES = 6; // at least
const FILE_LIMIT = 32 * 2 ** 20; // bytes that a batch writes to a file

const floor = require('./build/floor.node');

const task = isMainThread ? JSON.parse(process.argv[2]) : workerData.task;
// Workers wait for each other, which counts.
const WALL = task.curve === 'workers';

const rival = require('./rivals').find(({ id }) => id === task.rival);

function answer(message) {
  fs.writeSync(2, `\x1e${JSON.stringify(message)}\n`);
}

/** A guest of the rival, with a list of buffers of these lengths. */
async function createGuest(lengths) {
  const module = new WebAssembly.Module(fs.readFileSync(task.guest));
  const preopens = { '/': task.directory };
  const guest = await rival.link({ module, preopens });
  refill(guest, lengths);
  return guest;
}

function refill({ exports }, lengths) {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  fill(exports, lengths, Buffer.alloc(total, 'a'));
}

/** Returns a function that makes turns of `call` on `fd` and returns the ns. */
function runner({ exports, flush }, call, fd, lengths) {
  return (turns) => {
    const start = floor.now(WALL);
    const errno = turn(exports, { call, lengths }, fd, turns);
    flush?.();
    const time = floor.now(WALL) - start;
    if (errno !== 0) throw new Error(`errno ${errno}`);
    return time;
  };
}

// The first time is longer, for the compilers.
let warmUp = 3 * task.warmUp;

/** The median of ns per turn. `after` is called after each batch. */
function timeOf(run, limit = Infinity, after = () => {}) {
  const turnsIn = (time, perTurn) =>
    Math.max(1, Math.round(Math.min(time / perTurn, limit)));
  const end = performance.now() + warmUp;
  warmUp = task.warmUp;
  let turns = 1;
  let best = Infinity;
  for (let i = 0; i < WARM_UP_BATCHES || performance.now() < end; i++) {
    best = Math.min(best, run(turns) / turns);
    turns = Math.min(turnsIn(WARM_UP_BATCH, best), turns * 8);
    after();
  }
  turns = turnsIn(task.batch, best);
  const times = [];
  for (let i = 0; i < task.rounds; i++) {
    times.push(run(turns) / turns);
    after();
  }
  return summary(times).median;
}

const floorRun = (call, fd, lengths) => (turns) =>
  floor[call](fd, lengths, turns, WALL);

async function buffers() {
  const guest = await createGuest([8]);
  for (const count of task.at) {
    const lengths = new Array(count).fill(8);
    refill(guest, lengths);
    answer({
      ns: timeOf(runner(guest, 'write', 1, lengths)),
      floor: timeOf(floorRun('write', 1, lengths)),
    });
  }
}

async function size() {
  const guest = await createGuest([1]);
  const { fd } = open(guest.exports, ROOT, 'out');
  const own = path.join(task.directory, 'floor');
  const floorFd = floor.open(own);
  for (const length of task.at) {
    const limit = FILE_LIMIT / length;
    const empty = () => {
      fs.truncateSync(path.join(task.directory, 'out'));
      fs.truncateSync(own);
    };
    refill(guest, [length]);
    answer({
      ns: timeOf(runner(guest, 'write', fd, [length]), limit, empty),
      floor: timeOf(floorRun('write', floorFd, [length]), limit, empty),
    });
  }
}

async function guestFds() {
  const guest = await createGuest([16]);
  const limit = FILE_LIMIT / 16;
  let fd;
  let opened = 0;
  for (const count of task.at) {
    let name;
    for (; opened < count; opened++) {
      name = `open${opened}`;
      const result = open(guest.exports, ROOT, name);
      if (result.errno !== 0) throw new Error(`errno ${result.errno}`);
      fd = result.fd;
      runner(guest, 'write', fd, [16])(1);
    }
    const empty = () => fs.truncateSync(path.join(task.directory, name));
    answer({ ns: timeOf(runner(guest, 'write', fd, [16]), limit, empty) });
  }
}

async function hostFds() {
  const guest = await createGuest([16]);
  const own = path.join(task.directory, 'floor');
  fs.mkdirSync(own);
  const perFile = (run) => timeOf(run) / 200;
  let opened = 0;
  for (const count of task.at) {
    for (; opened < count; opened++) fs.openSync('/dev/null', 'w');
    answer({
      ns: perFile(runner(guest, 'files', ROOT, [16])),
      floor: perFile(floorRun('files', own, [16])),
    });
  }
}

// Each worker reports when it is warm, and they start together.
async function workers() {
  for (const count of task.at) {
    const started = Array.from(
      { length: count },
      () => new Worker(__filename, { workerData: { task } }),
    );
    const next = (worker) =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    await Promise.all(started.map(next));
    const times = started.map(next);
    for (const worker of started) worker.postMessage('go');
    const all = await Promise.all(times);
    answer({ ns: summary(all).median });
    await Promise.all(started.map((worker) => worker.terminate()));
  }
}

async function work() {
  const run = runner(await createGuest([16]), 'write', 1, [16]);
  parentPort.once('message', () => parentPort.postMessage(timeOf(run)));
  timeOf(run);
  parentPort.postMessage('warm');
}

const curves = { buffers, size, guestFds, hostFds, workers };

async function main() {
  try {
    await curves[task.curve]();
    answer({ done: true });
  } catch (error) {
    answer({ failed: error.code ?? error.message });
  }
  process.exit();
}

if (isMainThread) main();
else work();
