'use strict';

// A thread that grows a shared memory by a page when it is told to, and puts
// words and bytes in it: `puts` is a list of [pointer, bytes].

const { workerData } = require('node:worker_threads');

const { memory, cell, puts } = workerData;
const state = new Int32Array(memory.buffer);

Atomics.wait(state, cell, 0);
memory.grow(1);
const view = new Uint8Array(memory.buffer);
for (const [pointer, bytes] of puts) view.set(bytes, pointer);
Atomics.store(state, cell, 2);
Atomics.notify(state, cell);
