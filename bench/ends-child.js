'use strict';

// node ends-child.js WAIT END DIRECTORY: a guest waits in a worker, and is ended.
// Prints how many milliseconds that took; with `exit`, the time at which it began.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const {
  Worker,
  isMainThread,
  parentPort,
  workerData,
} = require('node:worker_threads');
const { WASI } = require('..');

const LIST = 64;
const BYTES = 65536;
const PATH = 1024;
const SUBSCRIPTION = 2048;
const FAR = 10n ** 18n; // nanoseconds

const PAUSE = 200; // ms until the guest waits
const TIMEOUT = 50; // ms of the vm

const WRITE = 1n << 6n;

function start({ fifo, directory }) {
  const wasi = new WASI({
    version: 'preview1',
    stdin: fifo,
    stdout: fifo,
    preopens: { '/': directory },
  });
  const memory = new WebAssembly.Memory({ initial: 4 });
  wasi.finalizeBindings({ exports: {} }, { memory });
  return { calls: wasi.wasiImport, memory };
}

const WAITS = {
  'full pipe': ({ calls, memory }) => {
    new DataView(memory.buffer).setUint32(LIST, BYTES, true);
    new DataView(memory.buffer).setUint32(LIST + 4, BYTES, true);
    for (;;) calls.fd_write(1, LIST, 1, 0);
  },
  'empty pipe': ({ calls, memory }) => {
    new DataView(memory.buffer).setUint32(LIST, BYTES, true);
    new DataView(memory.buffer).setUint32(LIST + 4, 1, true);
    calls.fd_read(0, LIST, 1, 0);
  },
  poll: ({ calls, memory }) => {
    const view = new DataView(memory.buffer);
    view.setUint32(SUBSCRIPTION + 16, 1, true);
    view.setBigUint64(SUBSCRIPTION + 24, FAR, true);
    calls.poll_oneoff(SUBSCRIPTION, BYTES, 1, 0);
  },
  fifo: ({ calls, memory }) => {
    const name = Buffer.from('other');
    new Uint8Array(memory.buffer).set(name, PATH);
    calls.path_open(3, 0, PATH, name.length, 0, WRITE, 0n, 0, 0);
  },
};

function runWorker() {
  const { wait, end } = workerData;
  const guest = start(workerData);
  if (end !== 'timeout') {
    parentPort.postMessage('');
    WAITS[wait](guest);
    return;
  }
  globalThis.wait = () => WAITS[wait](guest);
  const begin = performance.now();
  try {
    vm.runInThisContext('wait()', { timeout: TIMEOUT });
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
  }
  parentPort.postMessage(performance.now() - begin - TIMEOUT);
}

async function main(wait, end, parent) {
  const directory = fs.mkdtempSync(path.join(parent, 'ends-'));
  const file = path.join(directory, 'fifo');
  execFileSync('mkfifo', [file, path.join(directory, 'other')]);
  const fifo = fs.openSync(file, 'r+');
  const worker = new Worker(__filename, {
    workerData: { wait, end, fifo, directory },
  });
  const answer = await new Promise((resolve) => {
    worker.once('message', resolve);
  });
  if (end === 'timeout') {
    console.log(answer);
    return;
  }
  await new Promise((resolve) => {
    setTimeout(resolve, PAUSE);
  });
  if (end === 'exit') {
    fs.writeSync(1, `${Date.now()}`);
    process.exit(0);
  }
  const begin = performance.now();
  await worker.terminate();
  console.log(performance.now() - begin);
}

if (isMainThread) main(...process.argv.slice(2));
else runWorker();
