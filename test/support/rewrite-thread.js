'use strict';

// A thread that puts one list of buffers after the other in a shared memory, as
// fast as it can, until a cell is set.

const { parentPort, workerData } = require('node:worker_threads');

const { memory, at, lists, stop } = workerData;
const words = new Int32Array(memory.buffer);
const flat = lists.map((list) => Int32Array.from(list.flat()));

parentPort.postMessage('ready');
while (Atomics.load(words, stop / 4) === 0) {
  for (const list of flat) words.set(list, at / 4);
}
