'use strict';

// Threads that are terminated at any moment, or end by process.exit(). The process
// must go on, its descriptors be closed, and all accepted bytes be in the file, with
// the exceptions of docs/buffering.md.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { engine } = require('../..');
const {
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
} = require('../helpers/descriptors');
const { LINE, assertLines } = require('../helpers/records');
const { Thread } = require('../helpers/thread');

const TOGETHER = 2;
const LONGEST = 30; // ms until the end
const SIZES = [LINE, 100 * LINE, 4096 * LINE];
const LINES = 3000; // of a thread that ends by itself

// In the fallback node:wasi leaves open what such a guest has opened: here a file
// and a directory.
function closeLeftByNode(file, most) {
  const left = descriptorsOf(file);
  const expected = engine === 'native' ? 0 : most;
  assert.ok(left.length <= expected, `${left.length} descriptors of ${file}`);
  for (const fd of left) fs.closeSync(fd);
}

function planOne(random) {
  return {
    buffered: random.oneIn(2),
    bufferSize: random.pick(SIZES),
    opened: random.oneIn(2),
    host: random.pick(['WASI', 'createWrites']),
    exit: random.oneIn(4),
    early: random.below(LONGEST),
    ready: random.oneIn(2),
    late: random.below(LONGEST),
  };
}

async function endOne(plan, directory, name) {
  const { buffered, bufferSize, opened, exit } = plan;
  const file = path.join(directory, name);
  fs.writeFileSync(file, '');
  const done = new Int32Array(new SharedArrayBuffer(4));
  const stdout = opened ? 1 : fs.openSync(file, 'a');
  const thread = new Thread({
    job: 'lines',
    host: opened ? 'WASI' : plan.host,
    done,
    stdout,
    buffered,
    bufferSize,
    ...(opened && { directory, file: name }),
    ...(exit && { exit, count: LINES }),
  });
  thread.start();
  if (exit) {
    assert.deepEqual(await thread.exit, [0]);
  } else {
    await setTimeout(plan.early);
    if (plan.ready) {
      await thread.ready();
      await setTimeout(plan.late);
    }
    await thread.worker.terminate();
  }
  if (!opened) fs.closeSync(stdout);

  const accepted = done[0];
  const written = assertLines(fs.readFileSync(file));
  const held = buffered && !exit ? bufferSize / LINE : 0;
  assert.ok(written <= accepted + 1, `${written} of ${accepted}`);
  assert.ok(written >= accepted - held, `${written} of ${accepted}`);
  if (exit) assert.equal(written, LINES);
  return { exit, accepted, written };
}

module.exports = {
  count: 1000,
  unit: 'threads',

  async run({ count, random, directory, progress }) {
    const figures = { threads: 0, exits: 0, accepted: 0, written: 0 };
    const before = countDescriptors();
    while (figures.threads < count) {
      const names = Array.from({ length: TOGETHER }, (_, i) => `file ${i}`);
      const ends = await Promise.all(
        names.map((name) => endOne(planOne(random), directory, name)),
      );
      for (const { exit, accepted, written } of ends) {
        figures.threads++;
        figures.exits += exit ? 1 : 0;
        figures.accepted += accepted;
        figures.written += written;
      }
      closeLeftByNode(directory, TOGETHER);
      for (const name of names) closeLeftByNode(path.join(directory, name), 1);
      assertNoneLeft(before);
      progress(figures.threads);
    }
    return figures;
  },
};
