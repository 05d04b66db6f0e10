'use strict';

// Guests open and write files of every kind while the descriptors of the process
// change all the time. Each write is in the file that Node has opened, and nowhere
// else.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const headers = require('node-api-headers').include_dir;
const { assertNoneLeft, countDescriptors } = require('../helpers/descriptors');

const FIXTURES = path.join(__dirname, '..', 'fixtures');
const HOST_FILES = 40;
const TEXT = 'the bytes of the host\n'.repeat(100);
const GUESTS = 2;
const CHAOS = 3; // threads
const ROUND = 10_000; // files
const POOL = 8; // files that the thread pool opens at the same time

function build(directory) {
  const target = path.join(directory, 'chaos.node');
  const flags = ['-std=c11', '-O2', '-Wall', '-shared', '-fPIC', '-pthread'];
  execFileSync('cc', [
    ...flags,
    '-DNAPI_VERSION=8',
    `-I${headers}`,
    '-o',
    target,
    path.join(FIXTURES, 'chaos.c'),
  ]);
  return require(target);
}

/** @param {Function} onReady called when the guest begins */
async function runGuest({ directory, onReady, ...data }) {
  fs.mkdirSync(directory);
  const worker = new Worker(path.join(FIXTURES, 'adopting-thread.js'), {
    workerData: { directory, ...data },
  });
  const results = [];
  worker.once('message', onReady);
  worker.on('message', (message) => results.push(message));
  assert.deepEqual(await once(worker, 'exit'), [0]);
  fs.rmSync(directory, { recursive: true });
  fs.unlinkSync(`${directory} outside`);
  return results.at(-1);
}

/** Has the thread pool open and close files of the host until `isOver()`. */
async function churn(hostFiles, isOver) {
  while (!isOver()) {
    const handles = await Promise.all(
      hostFiles.slice(0, POOL).map((file) => fs.promises.open(file, 'r+')),
    );
    await Promise.all(handles.map((handle) => handle.close()));
  }
}

module.exports = {
  count: 1_000_000,
  unit: 'files',

  async run({ count, random, directory, progress }) {
    const chaos = build(directory);
    const hostFiles = Array.from({ length: HOST_FILES }, (_, i) =>
      path.join(directory, `host ${i}`),
    );
    for (const file of hostFiles) fs.writeFileSync(file, TEXT);
    const figures = {
      opened: 0,
      refused: 0,
      written: 0,
      adopted: 0,
      delegated: 0,
      hostSteps: 0,
    };
    const before = countDescriptors();
    for (let round = 0; figures.written < count; round++) {
      const exact = round % 2 === 0;
      const files = Math.ceil(Math.min(ROUND, count / 2) / GUESTS);
      chaos.disturb(false);
      chaos.start(directory, HOST_FILES, CHAOS, random.below(2 ** 31));
      let over = false;
      let waiting = GUESTS;
      const guests = Array.from({ length: GUESTS }, (_, i) =>
        runGuest({
          directory: path.join(directory, `guest ${i}`),
          // Node reads modules where the offset stands.
          onReady: () => --waiting === 0 && chaos.disturb(!exact),
          files,
          seed: random.below(2 ** 31),
          exact,
        }),
      );
      const churning = churn(hostFiles, () => over);
      const results = await Promise.all(guests);
      over = true;
      await churning;
      figures.hostSteps += chaos.stop();
      for (const result of results) {
        for (const name of Object.keys(result)) figures[name] += result[name];
      }
      for (const file of hostFiles) {
        assert.equal(fs.readFileSync(file, 'latin1'), TEXT, file);
      }
      assert.equal(chaos.strays(), 0);
      assertNoneLeft(before);
      progress(figures.written);
    }
    return figures;
  },
};
