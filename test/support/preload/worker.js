'use strict';

// A worker: says whether `WASI` is ours here.

const { WASI } = require('wasi');
const { Worker, parentPort, workerData } = require('node:worker_threads');
const { isOurs } = require('./is-ours');

if (workerData === 'ask another') {
  new Worker(__filename).on('message', (is) => parentPort.postMessage(is));
} else {
  parentPort.postMessage(isOurs(WASI));
}
