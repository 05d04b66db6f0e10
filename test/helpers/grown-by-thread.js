'use strict';

// A shared memory that another thread grows.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');

/**
 * Lets another thread grow a shared memory by a page and write bytes to it: a list
 * of [pointer, bytes]. Then calls `then` before this thread's event loop turns, so
 * that nothing has told this thread of the growth.
 */
async function grownByThread(memory, puts, then) {
  const cell = 0;
  const state = new Int32Array(memory.buffer);
  const worker = new Worker(
    path.join(__dirname, '..', 'fixtures', 'grow-thread.js'),
    {
      workerData: { memory, cell, puts },
    },
  );
  await once(worker, 'online');
  Atomics.store(state, cell, 1);
  Atomics.notify(state, cell);
  Atomics.wait(state, cell, 1, 60000);
  assert.equal(Atomics.load(state, cell), 2);
  try {
    then();
  } finally {
    await once(worker, 'exit');
  }
}

module.exports = { grownByThread };
