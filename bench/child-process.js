'use strict';

// The parent's side of child.js: starts it, asks it, and reports its end.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const PATIENCE = 60; // seconds for one answer
const TAIL = 2000; // characters kept of a process's output

/** The executable of a runtime, or undefined if it is not installed. */
function programOf(runtime) {
  if (runtime === undefined) return [process.execPath, '--no-warnings'];
  const wanted = process.env.DENO ?? 'deno';
  const candidates = (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((directory) => path.resolve(directory, wanted));
  const found = candidates.find((file) => fs.existsSync(file));
  return found && [found, 'run', '--quiet', '--allow-all', '--no-prompt'];
}

class Child {
  #process;
  #patience;
  #answers = [];
  #waiting;
  #line = '';
  #said = '';
  #end;

  /** Resolves at its end to `{ code, signal }`. */
  ended;

  /**
   * @param {string} script
   * @param {object} task passed to the script as its argument
   * @param {object} options
   * @param {string} [options.runtime]
   * @param {object} [options.env] further variables
   * @param {number} options.stdout descriptor
   * @param {number} [options.patience] seconds for one answer
   */
  constructor(script, task, { runtime, env, stdout, patience = PATIENCE }) {
    this.#patience = patience;
    const [program, ...flags] = programOf(runtime);
    const file = path.join(__dirname, script);
    this.#process = spawn(program, [...flags, file, JSON.stringify(task)], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['pipe', stdout, 'pipe'],
    });
    const { stdin, stderr } = this.#process;
    stdin.on('error', () => {}); // it has ended: 'close' reports how
    stderr.setEncoding('utf8');
    stderr.on('data', (text) => this.#read(text));
    this.ended = new Promise((resolve) => {
      this.#process.on('error', (error) => {
        this.#end = { failed: String(error) };
        this.#settle(this.#end);
        resolve({});
      });
      this.#process.on('close', (code, signal) => {
        this.#end = this.#describe(code, signal);
        this.#settle(this.#end);
        resolve({ code, signal });
      });
    });
  }

  // Answers are marked. Other output is kept to explain a failure.
  #read(text) {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop();
    for (const line of lines) {
      const at = line.indexOf('\x1e');
      if (at < 0) this.#said = `${this.#said}${line}\n`.slice(-TAIL);
      else if (this.#waiting === undefined) this.#answers.push(line.slice(at));
      else this.#settle(JSON.parse(line.slice(at + 1)));
    }
  }

  #describe(code, signal) {
    if (signal !== null)
      return { failed: `crashes (${signal})`, crashed: true };
    const why = this.#said.trim().split('\n').pop();
    return { failed: `ends with status ${code}: ${why}` };
  }

  #settle(answer) {
    this.#waiting?.(answer);
    this.#waiting = undefined;
  }

  /**
   * Resolves to the next answer. If it has `failed`, there was none, or a bad one.
   */
  next() {
    const early = this.#answers.shift();
    if (early !== undefined) return Promise.resolve(JSON.parse(early.slice(1)));
    if (this.#end !== undefined) return Promise.resolve(this.#end);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#process.kill('SIGKILL');
        this.#settle({ failed: `gives no answer in ${this.#patience} s` });
      }, this.#patience * 1000);
      this.#waiting = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
    });
  }

  ask(message) {
    this.#process.stdin.write(JSON.stringify(message));
    return this.next();
  }

  /** Lets it end. */
  end() {
    this.#process.stdin.end();
    return this.ended;
  }
}

module.exports = { Child, programOf };
