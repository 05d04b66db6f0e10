'use strict';

// guest.cjs PACKAGE WHAT [FILE]: makes a guest do WHAT, and prints its results as JSON.

const fs = require('node:fs');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

const [root, what, file] = isMainThread ? process.argv.slice(2) : workerData;
const { WASI } = require(root);

const IOVS = 8;
const RESULT = 64;
const WAITING = 128; // a word: 1 while the guest waits
const SIZE = 32768; // bytes of a write

const print = (value) => fs.writeSync(1, JSON.stringify(value));

function startGuest(options, memory = new WebAssembly.Memory({ initial: 1 })) {
  const wasi = new WASI({ version: 'preview1', ...options });
  wasi.finalizeBindings({ exports: { memory } });
  new Uint32Array(memory.buffer).set([1024, SIZE], IOVS / 4);
  return { calls: wasi.wasiImport, memory };
}

/** The errnos of writes to stdout: up to the first failure, at most `most`. */
function write(stdout, most) {
  const { calls } = startGuest({ stdout });
  const errnos = [];
  while (errnos.length < most && !errnos.at(-1)) {
    errnos.push(calls.fd_write(1, IOVS, 1, RESULT));
  }
  return errnos;
}

const WHATS = {
  /** `file` is a FIFO. */
  'write to a closed pipe'() {
    const { O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
    const reader = fs.openSync(file, O_RDONLY | O_NONBLOCK);
    const stdout = fs.openSync(file, O_WRONLY);
    fs.closeSync(reader);
    print(write(stdout, 3));
  },

  /** The process has a limit for the size of files. */
  'write past a limit'() {
    const errnos = write(fs.openSync(file, 'w'), 1000);
    print({ errno: errnos.at(-1), size: fs.statSync(file).size });
  },

  /** `file` is a FIFO without a writer. */
  'wait in a worker'() {
    const shared = new WebAssembly.Memory({
      initial: 1,
      maximum: 1,
      shared: true,
    });
    if (!isMainThread) {
      const { O_RDWR } = fs.constants;
      const stdin = fs.openSync(file, O_RDWR);
      const { calls, memory } = startGuest({ stdin }, workerData[3]);
      const words = new Int32Array(memory.buffer);
      Atomics.store(words, WAITING / 4, 1);
      Atomics.notify(words, WAITING / 4);
      calls.fd_read(0, IOVS, 1, RESULT);
      Atomics.store(words, WAITING / 4, 2);
      return;
    }
    const worker = new Worker(__filename, {
      workerData: [root, what, file, shared],
    });
    worker.on('error', (error) => {
      throw error;
    });
    const words = new Int32Array(shared.buffer);
    const timer = setInterval(() => {
      if (words[WAITING / 4] === 0) return;
      clearInterval(timer);
      print('it waits');
      process.exit(7);
    }, 10);
  },
};

WHATS[what]();
