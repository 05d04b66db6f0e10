'use strict';

// `run` where there is no addon: on this thread. All of the input is read before the
// tool starts, and nothing but the tool ends it.

const { execute } = require('../run');
const { load } = require('../source');
const { endedError } = require('./errors');
const { NAMES, isWebWritable, iterableOf } = require('./streams');

async function readAll(iterable) {
  const chunks = [];
  for await (const chunk of iterable) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

// A WritableStream takes no chunk while the tool runs.
function collect(target) {
  const chunks = [];
  return {
    target: (chunk) => {
      chunks.push(chunk);
    },
    async deliver() {
      const writer = target.getWriter();
      for (const chunk of chunks) await writer.write(chunk);
      writer.releaseLock();
    },
  };
}

/** @param {object} taken as `spawnOptions` gives it */
async function runHere(source, { guest, maxBuffer, options: given, signal }) {
  const options = { ...given, ...guest };
  if (maxBuffer !== undefined) options.captureLimit = maxBuffer;
  const iterable = iterableOf(options.stdin);
  if (iterable !== undefined) options.stdin = await readAll(iterable);
  const collected = [];
  for (const name of ['stdout', 'stderr']) {
    if (!isWebWritable(options[name])) continue;
    const kept = collect(options[name]);
    options[name] = kept.target;
    collected.push(kept);
  }
  const program = await load(source);
  if (signal?.aborted) throw endedError('canceled', { reason: signal.reason });
  const result = execute(program, options);
  for (const { deliver } of collected) await deliver();
  const cut = NAMES.find((name) => result[`${name}Truncated`]);
  if (maxBuffer === undefined || cut === undefined) return result;
  throw Object.assign(
    endedError('maxBuffer', { maxBuffer, name: cut }),
    result,
    { exitCode: undefined },
  );
}

module.exports = { runHere };
