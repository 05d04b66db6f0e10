'use strict';

// The open descriptors of this process, by their targets.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

const DIRECTORY = '/proc/self/fd';

// libuv opens /dev/null with the first stream of a process, and keeps it open. This
// makes it do so at once.
if (fs.existsSync(DIRECTORY)) {
  net.createServer().listen(`\0wasi-writev-${process.pid}`).close();
}

/** `it` for tests of descriptors: skipped without /proc. */
const itWithProc = (...test) =>
  (fs.existsSync(DIRECTORY) ? it : it.skip)(...test);

/** The link of every descriptor, as [fd, target]. */
function links() {
  const found = [];
  for (const fd of fs.readdirSync(DIRECTORY)) {
    try {
      found.push([Number(fd), fs.readlinkSync(`${DIRECTORY}/${fd}`)]);
    } catch {
      // the descriptor that the directory was read through
    }
  }
  return found;
}

/** The descriptors open on a file. */
function descriptorsOf(file) {
  const target = fs.realpathSync(file);
  return links()
    .filter(([, link]) => link === target)
    .map(([fd]) => fd);
}

/** The open(2) flags of the description behind a descriptor. */
function hostFlags(fd) {
  const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  return parseInt(/^flags:\s*(\d+)/m.exec(info)[1], 8);
}

// Event loops of threads have descriptors, and so have copies of the standard
// streams: Deno and Bun close them at any time.
const isNode = !('deno' in process.versions || 'bun' in process.versions);
const streams =
  isNode || !fs.existsSync(DIRECTORY)
    ? []
    : links()
        .slice(0, 3)
        .map(([, target]) => target);

const isOfRuntime = (target) =>
  !isNode && (/^(anon_inode|socket):/.test(target) || streams.includes(target));

/** How many descriptors each target has. */
function countDescriptors() {
  const counts = new Map();
  for (const [, target] of links()) {
    if (isOfRuntime(target)) continue;
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return counts;
}

/**
 * Asserts that no target has more descriptors than in `before`. Fewer are fine:
 * those of collected guests.
 */
function assertNoneLeft(before) {
  const left = [...countDescriptors()].filter(
    ([target, count]) => count > (before.get(target) ?? 0),
  );
  assert.deepEqual(left, []);
}

/** How many descriptors are open. */
const sumOfDescriptors = () =>
  [...countDescriptors().values()].reduce((sum, count) => sum + count, 0);

const PATIENCE = 5000; // ms

/**
 * Repeats `check` until it passes, to give ended threads and processes time to
 * close.
 */
async function soon(check) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(10);
  }
}

/**
 * `check` after threads have ended: once in Node, repeated elsewhere. Deno and Bun
 * may report the end of a thread before its addons have finished.
 */
const afterThreads = async (check) => (isNode ? check() : soon(check));

module.exports = {
  afterThreads,
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  hostFlags,
  itWithProc,
  soon,
  sumOfDescriptors,
};
