'use strict';

// What `spawn` returns: a promise with the streams of the tool.

const { setImmediate: turn } = require('node:timers/promises');
const { NAMES, isPipe } = require('./streams');

const ignore = () => {};

/** Whether somebody reads a stream, or may still do so. */
const isRead = (stream) =>
  !stream.destroyed &&
  (stream.readableFlowing !== null || stream.listenerCount('readable') > 0);

const isClosed = (stream) =>
  new Promise((resolve) => {
    stream.once('close', resolve);
  });

/** See lib/index.d.ts. */
class Tool extends Promise {
  /** Of then(), catch() and finally(). */
  static get [Symbol.species]() {
    return Promise;
  }

  #execution;
  #isAwaited = false;
  #iterations = [];

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
    for (const output of tool.#outputs) tool.#follow(output);
    const over = () => setImmediate(() => tool.#dropUnread());
    result.then(over, (error) => {
      over();
      tool.#tell(error);
    });
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

  // Nobody has begun to read it, so that nothing else would close it.
  #dropUnread() {
    for (const output of this.#outputs) if (!isRead(output)) output.destroy();
  }

  // An iteration goes on with its last chunk when its stream has closed.
  #follow(output) {
    const iterate = output[Symbol.asyncIterator].bind(output);
    const iterations = this.#iterations;
    output[Symbol.asyncIterator] = async function* iterateOutput() {
      let over;
      iterations.push(
        new Promise((resolve) => {
          over = resolve;
        }),
      );
      try {
        yield* iterate();
      } finally {
        over();
      }
    };
  }

  // A caller who reads a stream to its end first, and awaits the tool then, has no
  // unhandled rejection in between.
  async #tell(error) {
    super.then(undefined, ignore);
    await Promise.all(this.#outputs.filter(isRead).map(isClosed));
    await Promise.all(this.#iterations);
    await turn();
    if (!this.#isAwaited) throw error;
  }
}

module.exports = { Tool };
