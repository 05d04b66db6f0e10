'use strict';

// The open descriptors of this process, by what they are open on.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');

const DIRECTORY = '/proc/self/fd';

// libuv opens /dev/null with the first stream of a process, and keeps it: so that this
// is now.
if (fs.existsSync(DIRECTORY)) {
  net.createServer().listen(`\0wasi-writev-${process.pid}`).close();
}

/** For tests that look at descriptors: skipped where there is no /proc. */
const itWithProc = (...test) =>
  (fs.existsSync(DIRECTORY) ? it : it.skip)(...test);

/** The link of every descriptor: [fd, target]. */
function links() {
  const found = [];
  for (const fd of fs.readdirSync(DIRECTORY)) {
    try {
      found.push([Number(fd), fs.readlinkSync(`${DIRECTORY}/${fd}`)]);
    } catch {
      // The one that the directory was read through.
    }
  }
  return found;
}

/** The descriptors that are open on a file. */
function descriptorsOf(file) {
  const target = fs.realpathSync(file);
  return links()
    .filter(([, link]) => link === target)
    .map(([fd]) => fd);
}

/** The flags of open(2), of the description behind a descriptor. */
function hostFlags(fd) {
  const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  return parseInt(/^flags:\s*(\d+)/m.exec(info)[1], 8);
}

// The event loops of threads have some, and their copies of the standard streams:
// Deno and Bun close them when they like.
const isNode = !('deno' in process.versions || 'bun' in process.versions);
const streams =
  isNode || !fs.existsSync(DIRECTORY)
    ? []
    : links()
        .slice(0, 3)
        .map(([, target]) => target);

const isOfRuntime = (target) =>
  !isNode && (/^(anon_inode|socket):/.test(target) || streams.includes(target));

/** How many descriptors are open on each target. */
function countDescriptors() {
  const counts = new Map();
  for (const [, target] of links()) {
    if (isOfRuntime(target)) continue;
    counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return counts;
}

/**
 * Asserts that on no target there are more descriptors than `before`. There may
 * be fewer in all: those of guests that were collected.
 */
function assertNoneLeft(before) {
  const left = [...countDescriptors()].filter(
    ([target, count]) => count > (before.get(target) ?? 0),
  );
  assert.deepEqual(left, []);
}

const PATIENCE = 5000; // ms

/** Has `check` pass, when what has ended has had time to close. */
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
 * Has `check` pass after threads have ended: at once in Node. Deno and Bun may tell
 * of the end of a thread before its addons have done.
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
};
