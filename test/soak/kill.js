'use strict';

// A process that writes is killed at any moment, or its main thread exits while
// other threads write. All accepted bytes must be in the file, with the exceptions
// of docs/buffering.md.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { LINE, assertLines } = require('../helpers/records');

const SCRIPT = path.join(__dirname, '..', 'fixtures', 'killed-writer.js');
const TOGETHER = 2;
const LONGEST = 40; // ms of writing
const SIZES = [LINE, 100 * LINE, 4096 * LINE];
const THREADS = 3;

function planOne(random) {
  const exit = random.oneIn(3) ? random.below(LONGEST) + 50 : undefined;
  return {
    guests: exit === undefined ? random.below(2) : random.between(1, THREADS),
    exit,
    after: random.below(LONGEST),
    opened: random.oneIn(2),
    positioned: random.oneIn(3),
    buffered: random.oneIn(3),
    bufferSize: random.pick(SIZES),
  };
}

/** What a process left of one guest: the accepted bytes, and those in the file. */
function checkFile({ directory, buffered, bufferSize }, id) {
  const read = (name) => fs.readFileSync(path.join(directory, `${name} ${id}`));
  if (!fs.existsSync(path.join(directory, `accepted ${id}`))) return [0, 0];
  const count = read('accepted');
  const accepted = count.length === 0 ? 0 : Number(count.readBigUInt64LE());
  const written = assertLines(read('lines'));
  const held = buffered ? bufferSize / LINE : 0;
  assert.ok(written <= accepted + 1, `${written} of ${accepted}`);
  assert.ok(written >= accepted - held, `${written} of ${accepted}`);
  return [accepted, written];
}

// No child may write on after a failed test.
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

async function endOne(plan) {
  fs.mkdirSync(plan.directory);
  const child = spawn(
    process.execPath,
    ['--no-warnings', SCRIPT, JSON.stringify(plan)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.add(child);
  child.on('exit', () => children.delete(child));
  const exit = once(child, 'exit');
  if (plan.exit === undefined) {
    await Promise.race([once(child.stdout, 'data'), exit]);
    await setTimeout(plan.after);
    child.kill('SIGKILL');
    assert.deepEqual(await exit, [null, 'SIGKILL']);
  } else {
    child.stdout.resume();
    assert.deepEqual(await exit, [0, null]);
  }
  const ends = [];
  for (let id = 0; id < Math.max(plan.guests, 1); id++) {
    ends.push(checkFile(plan, id));
  }
  fs.rmSync(plan.directory, { recursive: true });
  return ends;
}

module.exports = {
  count: 500,
  unit: 'processes',

  async run({ count, random, directory, progress }) {
    const figures = { processes: 0, exits: 0, accepted: 0, written: 0 };
    while (figures.processes < count) {
      const plans = Array.from({ length: TOGETHER }, (_, i) => ({
        ...planOne(random),
        directory: path.join(directory, `process ${i}`),
      }));
      const ends = await Promise.all(plans.map((plan) => endOne(plan)));
      for (const [accepted, written] of ends.flat()) {
        figures.accepted += accepted;
        figures.written += written;
      }
      figures.processes += plans.length;
      figures.exits += plans.filter(({ exit }) => exit !== undefined).length;
      progress(figures.processes);
    }
    return figures;
  },
};
