'use strict';

// The parent's side of writer-thread.js.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');

const SCRIPT = path.join(__dirname, '..', 'fixtures', 'writer-thread.js');

/** A thread of writer-thread.js. */
class Thread {
  #ready;

  constructor(data) {
    this.go = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(SCRIPT, { workerData: { ...data, go: this.go } });
    this.ended = false;
    this.worker.on('exit', () => {
      this.ended = true;
    });
    this.exit = once(this.worker, 'exit');
    // Created at once, so that no message is missed.
    this.#ready = this.#message();
    this.#ready.catch(() => {}); // since `exit` rejects as well
  }

  async ready() {
    assert.equal(await this.#ready, 'ready');
  }

  start() {
    Atomics.store(this.go, 0, 1);
    Atomics.notify(this.go, 0);
  }

  // Rejects if the thread throws, as `exit` does.
  async #message() {
    const [message] = await Promise.race([
      once(this.worker, 'message'),
      this.exit.then(() => ['nothing']),
    ]);
    return message;
  }

  /** The result of the job, after the thread has ended. */
  async result() {
    const result = await this.#message();
    assert.deepEqual(await this.exit, [0]);
    return result;
  }

  async terminate() {
    assert.equal(await this.worker.terminate(), 1);
  }
}

/** Runs a thread for each element, at the same time. Returns their results. */
async function runThreads(list) {
  const threads = list.map((data) => new Thread(data));
  await Promise.all(threads.map((thread) => thread.ready()));
  threads.forEach((thread) => thread.start());
  return Promise.all(threads.map((thread) => thread.result()));
}

module.exports = { Thread, runThreads };
