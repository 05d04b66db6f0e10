'use strict';

// For a process with --expose-gc.

const { setImmediate: turn } = require('node:timers/promises');

const COUNT = 50;
const ENOUGH = 5; // the stack may keep a few alive

/** Calls `create` 50 times. Returns how many of its objects are not collected. */
async function countAlive(create) {
  let count = COUNT;
  const registry = new FinalizationRegistry(() => count--);
  for (let i = 0; i < COUNT; i++) registry.register(create());
  for (let i = 0; i < 200 && count > ENOUGH; i++) {
    global.gc();
    await turn();
  }
  return count;
}

module.exports = { countAlive };
