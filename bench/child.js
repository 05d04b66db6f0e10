'use strict';

// The process in which one rival does one workload. The parent sends:
//
//   check   makes `turns` turns, so that the parent can check the bytes
//   warm    runs until the compilers are done, and chooses the number of turns
//           in a batch
//   round   times a batch of the floor and one of the rival
//
// Each rival has its own process:
// - some crash, and must not end the others;
// - all code that runs in a process affects its compiled code: a buffered write
//   takes half as long again if several instances share its functions;
// - some write to standard output only, which must be the file of the workload.
// Each process also times the floor, right beside the rival. The processes take
// turns at making one round, so that a change on the machine affects all alike.

const fs = require('node:fs');
const path = require('node:path');
const { ERRNO_NAMES } = require('../lib/preview1');
const { CALLS, openFor } = require('./calls');
const { fill, open, turn } = require('./guest');
const { bytesOf, contentOf } = require('./workloads');

const WARM_UP_BATCH = 2e6; // ns
const WARM_UP_BATCHES = 6; // at least
const FILE_LIMIT = 16 * 2 ** 20; // bytes that a batch writes to a file

const floorCalls = require('./build/floor.node');

const task = JSON.parse(process.argv[2]);
const rival = require('./rivals').find(({ id }) => id === task.rival);
const { workload } = task;
const bytes = bytesOf(workload);
const waits = workload.target === 'pipe' || workload.target === 'full';
const now = () => floorCalls.now(waits);

// Standard output is what the rival writes to: answers go to standard error.
function answer(message) {
  fs.writeSync(2, `\x1e${JSON.stringify(message)}\n`);
}

class Failure extends Error {}

const described = (errno) => `errno ${errno} (${ERRNO_NAMES[errno]})`;

/** The fd that a call is about. */
function prepareCall(exports) {
  fill(exports, workload.lengths, Buffer.alloc(0));
  const about = CALLS.find(({ id }) => id === workload.call);
  const { errno, fd } = openFor(exports, about);
  if (errno !== 0) throw new Failure(`path_open: ${described(errno)}`);
  return fd;
}

/** The fd that the guest writes to. */
function prepare(guest) {
  if (workload.target === 'calls') return prepareCall(guest.exports);
  fill(guest.exports, workload.lengths, contentOf(workload));
  if (workload.target === 'files') return 3; // the first preopened directory
  if (workload.target !== 'file' || !rival.files) return 1;
  const { errno, fd } = open(guest.exports, 3, 'out');
  if (errno !== 0) throw new Failure(`path_open: ${described(errno)}`);
  return fd;
}

async function createSubject() {
  const module = new WebAssembly.Module(fs.readFileSync(task.guest));
  const preopens = { '/': task.directory };
  const guest = await rival.link({ module, preopens });
  const fd = prepare(guest);
  const { exports, flush = () => {} } = guest;
  return {
    guest,
    /** Nanoseconds. */
    run(turns) {
      const before = exports.written.value;
      const start = now();
      const errno = turn(exports, workload, fd, turns);
      flush();
      const time = now() - start;
      if (errno !== 0) throw new Failure(described(errno));
      const written = exports.written.value - before;
      if (written !== BigInt(bytes) * BigInt(turns)) {
        throw new Failure(`says it wrote ${written} of ${bytes * turns} bytes`);
      }
      return time;
    },
  };
}

function createFloor() {
  const { call, lengths, target } = workload;
  const own = path.join(task.directory, 'floor');
  let fd = 1;
  if (target === 'file') fd = floorCalls.open(own);
  if (target === 'calls') fd = task.directory;
  if (target === 'files') {
    fs.mkdirSync(own);
    fd = own;
  }
  const name = workload.floorCall ?? call;
  return { run: (turns) => floorCalls[name](fd, lengths, turns, waits) };
}

// Files that only grow would fill the disk.
function empty() {
  if (workload.target !== 'file' || workload.call !== 'write') return;
  for (const name of ['out', 'floor']) {
    fs.truncateSync(path.join(task.directory, name));
  }
}

/** How many turns are in a batch of `time` ns. */
function turnsFor(time, perTurn, limit) {
  const turns = Math.min(time / perTurn, limit / bytes);
  return Math.max(1, Math.round(turns));
}

/**
 * Runs a subject for at least `warmUp` ms. Says how long a turn took at best, in
 * ns: what disturbed the others is no part of it.
 */
function heat({ run }, limit, warmUp) {
  const end = performance.now() + warmUp;
  let turns = 1;
  let best = Infinity;
  for (let i = 0; i < WARM_UP_BATCHES || performance.now() < end; i++) {
    best = Math.min(best, run(turns) / turns);
    turns = Math.min(turnsFor(WARM_UP_BATCH, best, limit), turns * 8);
    empty();
  }
  return best;
}

const isFile = workload.target === 'file';
const limits = {
  floor: isFile ? FILE_LIMIT : Infinity,
  rival: Math.min(rival.limit ?? Infinity, isFile ? FILE_LIMIT : Infinity),
};

let subject;
let floor;
let best; // ns that a turn takes

function warm() {
  floor = createFloor();
  best = {
    floor: heat(floor, limits.floor, 0),
    rival: heat(subject, limits.rival, task.warmUp),
  };
  return {};
}

/** Times a batch, in ns for each call. */
function timed(kind, { run }) {
  const turns = turnsFor(task.batch, best[kind], limits[kind]);
  const perTurn = run(turns) / turns;
  best[kind] = Math.min(best[kind], perTurn);
  empty();
  return perTurn / workload.per;
}

function round(number) {
  // Each goes first every other time.
  const first = number % 2 === 0 ? timed('floor', floor) : undefined;
  const own = timed('rival', subject);
  return { floor: first ?? timed('floor', floor), rival: own };
}

function check({ turns }) {
  subject.run(turns);
  subject.guest.deliver?.();
  return {};
}

const commands = { check, warm, round: ({ number }) => round(number) };

// Errors of a rival, an errno of the guest and a wrong count are results.
function attempt(job) {
  try {
    answer(job());
  } catch (error) {
    const { code, message } = error ?? {};
    const thrown = `throws ${code ?? message ?? String(error)}`;
    answer({ failed: error instanceof Failure ? message : thrown });
  }
}

async function main() {
  // Like any tool that prints something of its own. Node then makes the pipe
  // non-blocking for all its writers.
  if (workload.target === 'full') void process.stdout;
  let failure;
  try {
    subject = await createSubject();
  } catch (error) {
    failure = error;
  }
  attempt(() => {
    if (failure !== undefined) throw failure;
    return { ready: true };
  });

  // One message at a time, since the parent waits for the answer.
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (line) => {
    const message = JSON.parse(line);
    attempt(() => commands[message.command](message));
  });
}

main();
