'use strict';

// Threads of one guest: instances of WASI over one shared memory, each in a thread.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { engine } = require('../..');
const { useTempDir } = require('./temp');
const { ThreadSession } = require('./thread-session');

const SCRIPT = path.join(__dirname, '..', 'fixtures', 'guest-thread.js');
const PAGES = 16; // one for each thread

/** Threads share a table in the addon alone. */
const describeShared = (...suite) =>
  (engine === 'native' ? describe : describe.skip)(...suite);

const newMemory = (pages = PAGES) =>
  new WebAssembly.Memory({ initial: pages, maximum: pages * 2, shared: true });

/** A thread of guest-thread.js: its `call` is ThreadSession's, with a promise. */
class GuestThread {
  #waiting = [];

  constructor(data) {
    this.worker = new Worker(SCRIPT, { workerData: data });
    this.ended = once(this.worker, 'exit').then(([code]) => {
      this.#settle({ error: new Error('the thread has ended') });
      return code;
    });
    this.ended.catch(() => {}); // as `call` rejects then
    this.worker.on('error', (error) => this.#settle({ error }));
    this.worker.on('message', (answer) => this.#answer(answer));
  }

  #answer({ error, value }) {
    const { resolve, reject } = this.#waiting.shift();
    if (error === undefined) resolve(value);
    else reject(error);
  }

  #settle(answer) {
    while (this.#waiting.length > 0) this.#answer(answer);
  }

  call(...message) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.worker.postMessage(message);
    });
  }

  /** Lets it end by itself. */
  async end() {
    this.worker.postMessage(null);
    assert.equal(await this.ended, 0);
  }

  async terminate() {
    await this.worker.terminate();
  }
}

/**
 * To be called in a `describe`: a memory and a directory, which is `/`, for each
 * test.
 *
 * @returns {object} `dir`: as `useTempDir` gives it; `start(options)`: a
 *   GuestThread, whose WASI there is when the promise has come; `here(options)`: a
 *   ThreadSession of the calling thread; `memory()`. What is left is ended and
 *   closed after the test.
 */
function useThreads() {
  const dir = useTempDir();
  let memory;
  let pages;
  let threads;
  let sessions;

  beforeEach(() => {
    memory = newMemory();
    pages = 0;
    threads = [];
    sessions = [];
  });
  afterEach(async () => {
    await Promise.all(threads.map((thread) => thread.terminate()));
    for (const session of sessions) session.closeAll();
  });

  const dataOf = ({ memory: other, ...options } = {}) => ({
    memory: other ?? memory,
    page: pages++,
    options: { preopens: { '/': dir.path('') }, ...options },
  });

  function here(options) {
    const session = new ThreadSession(dataOf(options));
    sessions.push(session);
    return session;
  }

  async function start(options) {
    const thread = new GuestThread(dataOf(options));
    threads.push(thread);
    await thread.call('isOpen', 0);
    return thread;
  }

  return { dir, here, memory: () => memory, start };
}

/** Asserts that a number is open, or is not, for each of the threads. */
async function assertOpen(threads, fd, open) {
  for (const thread of threads) {
    assert.equal(await thread.call('isOpen', fd), open, `fd ${fd}`);
  }
}

module.exports = {
  GuestThread,
  assertOpen,
  describeShared,
  newMemory,
  useThreads,
};
