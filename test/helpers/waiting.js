'use strict';

// The parent's side of wait-host.js.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');

const FIXTURES = path.join(__dirname, '..', 'fixtures');
const COMMAND = [
  path.join(FIXTURES, 'wait-ends.py'),
  process.execPath,
  '--no-warnings',
  path.join(FIXTURES, 'wait-host.js'),
];
const LIMIT = 20_000; // ms, including a start

/** A process in which guests wait. Restarted when it has ended. */
class WaitingHost {
  #child;
  #answer;

  #start() {
    const child = spawn('python3', COMMAND, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.on('message', (answer) => this.#answer(answer));
    child.once('error', ({ stack }) => this.#answer({ error: stack }));
    child.once('exit', (status, signal) => {
      this.#child = undefined;
      this.#answer({ end: signal ?? status });
    });
    return child;
  }

  /** The answer of the process, or how it ended. */
  async #ask(question) {
    this.#child ??= this.#start();
    const child = this.#child;
    const answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
    child.send(question);
    const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
    const answer = await answered;
    clearTimeout(timer);
    return answer;
  }

  /** Starts a wait of a `kind` of wait-kinds.js, and ends it in a `way`. */
  async endsWait(way, kind, directory) {
    const answer = await this.#ask({ way, kind, directory });
    assert.deepEqual(answer, way === 'exit' ? { end: 0 } : {}, answer.error);
  }

  close() {
    this.#child?.kill('SIGKILL');
  }
}

module.exports = { WaitingHost };
