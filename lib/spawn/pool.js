'use strict';

// The threads of tools. A thread runs one tool at a time. An idle one waits for the
// next, and keeps no process alive.

const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { checkInteger, withCode } = require('../errors');
const { packError } = require('./errors');

const MAX_SIZE = 1024;
const GIVE_UP_AFTER = 1000; // milliseconds
const isBun = 'bun' in process.versions;
const isDeno = 'deno' in process.versions;

// In the form that tools which collect files see: as in lib/addon.js. The name is a
// variable, so that ncc, which follows no require of what it copies, copies all of lib/.
function packagedModule(name) {
  return path.join(__dirname, '..', `${name}.js`);
}

// By which a copy in a package of ES modules stays CommonJS.
function packagedJson(name) {
  return path.join(__dirname, '..', `${name}.json`);
}

/** The program of a thread. A bundle has no such file, nor __dirname perhaps. */
function fileOfThread() {
  const named = process.env.WASI_WRITEV_THREAD;
  if (named) return path.resolve(named);
  try {
    const file = packagedModule('spawn/worker');
    const files = [file, packagedJson('package')];
    if (files.every((each) => fs.existsSync(each))) return file;
  } catch {
    // An ES module.
  }
  throw withCode(
    new Error(
      'wasi-writev found no program for a thread. In a bundle, set ' +
        'WASI_WRITEV_THREAD to the path of a bundle of wasi-writev/thread; ' +
        'runSync() needs no thread',
    ),
    'ERR_WASI_WRITEV_NO_THREAD',
  );
}

/**
 * Options of a Worker: preloads of this thread take their time, and may start tools.
 * Deno has none in its threads, and may let us see no more than a few variables.
 */
const withoutPreloads = () => ({
  execArgv: [],
  ...(!isDeno && { env: { ...process.env, NODE_OPTIONS: '' } }),
});

let size = 1;
const idle = [];

class Thread {
  #worker;
  #finish;
  #error;
  #isTerminated = false;

  constructor() {
    this.#worker = new Worker(fileOfThread(), {
      ...withoutPreloads(),
      name: 'wasi-writev',
    });
    this.#worker.on('message', (outcome) => {
      this.#finish?.(outcome);
      // Else its end is still to come.
      if (!this.#isTerminated) putBack(this);
    });
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#worker.on('exit', () => {
      const at = idle.indexOf(this);
      if (at >= 0) idle.splice(at, 1);
      this.#finish?.({ error: packError(this.#error ?? threadEnded()) });
    });
  }

  /**
   * Runs a tool, and puts the thread back. See worker.js.
   *
   * @param {object} message
   * @param {ArrayBuffer[]} transferred that it has
   * @returns {Promise<{ exitCode?: number, error?: object }>} the error as packError
   *   gives it
   */
  run(message, transferred) {
    this.#worker.ref();
    return new Promise((resolve) => {
      this.#finish = (outcome) => {
        this.#finish = undefined;
        resolve(outcome);
      };
      this.#worker.postMessage(message, transferred);
    });
  }

  /** It waits for the next tool. */
  rest() {
    this.#worker.unref();
  }

  /** Ends it while it runs no tool. */
  end() {
    this.#isTerminated = true;
    this.#worker.terminate();
  }

  /** Ends it in the middle of a tool, and has another wait in its place. */
  terminate() {
    this.end();
    if (idle.length < size) putBack(new Thread());
    // Bun ends no thread that makes no call, and V8 none that grows its memory page by
    // page: the tool is given up.
    const giveUp = () => this.#finish?.({ error: packError(threadEnded()) });
    if (isBun) giveUp();
    else setTimeout(giveUp, GIVE_UP_AFTER).unref();
  }
}

function threadEnded() {
  return withCode(
    new Error('The thread of the tool has ended'),
    'ERR_WASI_WRITEV_TERMINATED',
  );
}

function putBack(thread) {
  if (idle.length >= size) {
    thread.end();
    return;
  }
  thread.rest();
  idle.push(thread);
}

/** A thread for one tool. */
const takeThread = () => idle.pop() ?? new Thread();

/** See lib/index.d.ts. */
function setPoolSize(wanted) {
  checkInteger(wanted, 'size', 0, MAX_SIZE);
  size = wanted;
  for (const thread of idle.splice(size)) thread.end();
}

module.exports = { setPoolSize, takeThread };
