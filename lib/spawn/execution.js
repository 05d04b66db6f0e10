'use strict';

// One tool, from the call that starts it to its result.

const { createRun } = require('../engine');
const { canHold } = require('../run');
const { load } = require('../source');
const { endedError, unpackError } = require('./errors');
const { takeThread } = require('./pool');
const { openEnds } = require('./ends');
const { NAMES } = require('./streams');

// How long buffered output for a pipe waits for more.
const FLUSH_INTERVAL = 20; // milliseconds

const STDIN = 0;
const OUTPUTS = [1, 2];

class Execution {
  #ending; // how it was ended from outside, with details
  #failure; // what a stream of the caller's threw
  #force;
  #giveUp;
  #hasRun = false;
  #forced = new Promise((resolve) => {
    this.#giveUp = resolve;
  });
  #isOver = false;
  #options;
  #run;
  #stop;
  #stopped = new Promise((resolve) => {
    this.#stop = resolve;
  });
  #thread;

  /** The host's ends of its pipes, as streams. */
  ends;

  /** @param {object} options as options.js gives them */
  constructor(options) {
    const { plans, captureLimit, maxBuffer } = options;
    this.#options = options;
    this.#run = createRun({
      streams: plans.map(({ run }) => run),
      captureLimit: maxBuffer ?? captureLimit,
      endsWhenCut: maxBuffer !== undefined,
    });
    try {
      this.ends = openEnds(this.#run.ends);
      this.#run.handOver();
    } catch (error) {
      this.#run.close();
      this.#run.free();
      throw error;
    }
  }

  /** Runs the tool of `source`. Resolves to its result. */
  async start(source) {
    const { signal, timeout } = this.#options;
    const abort = () => this.end('canceled', { reason: signal.reason });
    let timer;
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    if (timeout > 0) {
      timer = setTimeout(() => this.end('timedOut', { timeout }), timeout);
    }
    try {
      return await this.#execute(source);
    } finally {
      this.#isOver = true;
      signal?.removeEventListener('abort', abort);
      clearTimeout(timer);
      clearTimeout(this.#force);
      this.#run.free();
    }
  }

  /**
   * Ends the tool: in an orderly way at its next call, else by force.
   *
   * @param {string} how a key of ENDINGS in errors.js
   * @returns {boolean} whether it was there to be ended
   */
  end(how, details) {
    if (this.#isOver || this.#ending !== undefined) return false;
    this.#ending = { how, details };
    this.#run.end();
    this.#stop();
    this.#force = setTimeout(
      () => this.#endByForce(),
      this.#options.forceKillAfterDelay,
    );
    return true;
  }

  #endByForce() {
    this.#thread?.terminate();
    this.#giveUp();
  }

  // The ends that are ours to serve.
  #served() {
    const { plans } = this.#options;
    return this.ends.filter((_, fd) => plans[fd].serve !== undefined);
  }

  // A stream of the caller's has failed: the tool is of no use any more.
  #fail(error) {
    if (this.#isOver || this.#ending !== undefined) return;
    this.#failure ??= { error };
    this.end('failed');
  }

  async #execute(source) {
    const { plans } = this.#options;
    const serve = (fd) =>
      plans[fd].serve?.(this.ends[fd]).catch((error) => {
        this.ends[fd].destroy();
        if (fd !== STDIN || !this.#hasRun) this.#fail(error);
      });
    serve(STDIN);
    const served = Promise.all(OUTPUTS.map(serve));
    let outcome = {};
    try {
      const program = await Promise.race([load(source), this.#stopped]);
      if (this.#ending === undefined) {
        outcome = await this.#runInThread(program);
      }
    } catch (error) {
      outcome = { error };
    }
    this.#hasRun = true;
    this.#run.close();
    this.ends[STDIN]?.destroy();
    await Promise.race([served, this.#forced]);
    for (const end of this.#served()) end.destroy();
    return this.#result(outcome);
  }

  async #runInThread(program) {
    const { guest, plans } = this.#options;
    this.#thread = takeThread();
    const isFlushed =
      guest.buffered !== false &&
      OUTPUTS.some((fd) => plans[fd].run === 'pipe');
    const flush =
      isFlushed && setInterval(() => this.#run.flush(), FLUSH_INTERVAL).unref();
    const { exitCode, error } = await this.#thread.run(
      {
        program,
        options: guest,
        run: this.#run.number,
        streams: plans.map(({ stream }, fd) => stream ?? { run: fd }),
      },
      plans.flatMap(({ stream }) => stream?.bytes?.buffer ?? []),
    );
    this.#thread = undefined;
    clearInterval(flush);
    return { exitCode, error: error && unpackError(error) };
  }

  #result({ exitCode, error }) {
    const output = this.#output();
    const thrown = this.#thrown(error, output);
    if (thrown === undefined) return { exitCode, ...output };
    if (canHold(thrown)) Object.assign(thrown, output);
    throw thrown;
  }

  #thrown(error, output) {
    const { maxBuffer } = this.#options;
    if (this.#failure !== undefined) return this.#failure.error;
    if (this.#ending !== undefined) {
      const { how, details } = this.#ending;
      return endedError(how, details);
    }
    const cut = OUTPUTS.map((fd) => NAMES[fd]).find(
      (name) => output[`${name}Truncated`],
    );
    if (maxBuffer !== undefined && cut !== undefined) {
      return endedError('maxBuffer', { maxBuffer, name: cut });
    }
    return error;
  }

  #output() {
    const { encoding } = this.#options;
    const output = {};
    for (const fd of OUTPUTS) {
      const { bytes = null, isCut = false } = this.#run.captured(fd) ?? {};
      output[NAMES[fd]] =
        bytes === null || encoding === 'buffer'
          ? bytes
          : bytes.toString(encoding);
      output[`${NAMES[fd]}Truncated`] = isCut;
    }
    return output;
  }
}

module.exports = { Execution };
