'use strict';

// Threads of one guest: instances of WASI over one shared memory, one in each
// thread.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { engine } = require('../..');
const { useTempDir } = require('./temp');
const { ThreadSession } = require('./thread-session');

const SCRIPT = path.join(__dirname, '..', 'fixtures', 'guest-thread.js');
const PAGES = 16; // one for each thread

/** Only the addon lets threads share a table. */
const describeShared = (...suite) =>
  (engine === 'native' ? describe : describe.skip)(...suite);

const newMemory = (pages = PAGES) =>
  new WebAssembly.Memory({ initial: pages, maximum: pages * 2, shared: true });

/**
 * A thread of guest-thread.js. `call` is that of ThreadSession, but returns a
 * promise.
 */
class GuestThread {
  #waiting = [];

  constructor(data) {
    this.worker = new Worker(SCRIPT, { workerData: data });
    this.ended = once(this.worker, 'exit').then(([code]) => {
      this.#settle({ error: new Error('the thread has ended') });
      return code;
    });
    this.ended.catch(() => {}); // since `call` rejects too
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

  /** Waits for the thread to end by itself. */
  async end() {
    this.worker.postMessage(null);
    assert.equal(await this.ended, 0);
  }

  async terminate() {
    await this.worker.terminate();
  }
}

/**
 * Call it in a `describe`: each test gets a memory, and a directory as `/`.
 *
 * @returns {object} `dir`: see `useTempDir`; `start(options)`: resolves to a
 *   GuestThread whose WASI is ready; `here(options)`: a ThreadSession in the calling
 *   thread; `memory()`. After the test all are ended and closed.
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

/** Asserts that a number is open, or not, in each of the threads. */
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
