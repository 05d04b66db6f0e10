'use strict';

// What `spawn` returns: a promise with the streams of the tool.

const { setImmediate: turn } = require('node:timers/promises');
const { NAMES, isPipe } = require('./streams');

const ignore = () => {};

/** Whether nobody reads a stream that is still open. */
const isUnread = (stream) =>
  !stream.destroyed &&
  stream.readableFlowing === null &&
  stream.listenerCount('readable') === 0;

/** Whether the caller has it flow, or did not want all of it. */
const isHandled = (stream) =>
  stream.readableFlowing !== null ||
  (stream.destroyed && !stream.readableEnded);

/** See lib/index.d.ts. */
class Tool extends Promise {
  /** Of then(), catch() and finally(). */
  static get [Symbol.species]() {
    return Promise;
  }

  #execution;
  #isAwaited = false;
  #isRead = false;

  /** @param {import('./execution').Execution} execution which was not started yet */
  static start(execution, source, plans) {
    const result = execution.start(source);
    const tool = new Tool((resolve) => {
      resolve(result);
    });
    tool.#execution = execution;
    NAMES.forEach((name, fd) => {
      tool[name] = isPipe(plans[fd]) ? execution.ends[fd] : null;
    });
    for (const output of tool.#outputs) tool.#watch(output);
    result.then(
      () => setImmediate(() => tool.#dropUnread()),
      (error) => tool.#tell(error),
    );
    return tool;
  }

  then(...callbacks) {
    this.#isAwaited = true;
    return super.then(...callbacks);
  }

  kill() {
    return this.#execution.end('terminated');
  }

  async [Symbol.asyncDispose]() {
    this.kill();
    await this.then(ignore, ignore);
    for (const name of NAMES) this[name]?.destroy();
  }

  get #outputs() {
    return [this.stdout, this.stderr].filter((stream) => stream !== null);
  }

  #watch(output) {
    output.on('newListener', (event) => {
      if (event === 'data' || event === 'readable') this.#isRead = true;
    });
  }

  // So that no descriptor stays open. A later reader finds the end, or an error where
  // there was output.
  #dropUnread() {
    for (const output of this.#outputs.filter(isUnread)) {
      // The event comes with the first bytes, or at the end.
      output.once('readable', () => {
        if (output.readableLength > 0) output.destroy();
        else output.resume();
      });
    }
  }

  // Like a child process, a tool whose output the caller reads need not be awaited: the
  // caller may have failed on a stream before it comes to that.
  async #tell(error) {
    super.then(undefined, ignore);
    await turn();
    const isUsed = this.#isRead || this.#outputs.some(isHandled);
    this.#dropUnread();
    if (!this.#isAwaited && !isUsed) throw error;
  }
}

module.exports = { Tool };
