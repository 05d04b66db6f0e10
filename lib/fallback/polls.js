'use strict';

// poll_oneoff.
//
// Node's ends the process when a descriptor that is not open comes before another
// one, takes memory for as many subscriptions as a guest names, reads them while
// another thread can change them, never reaches an absolute time, and with one that
// is due reports no descriptor. So it gets a list of ours: the descriptors that
// there is something to wait for on, each once, and the first of the clocks.

const { learnStream } = require('./writes');
const { ERRNO } = require('../preview1');

const SUBSCRIPTION_SIZE = 48;
const EVENT_SIZE = 32;

// Above this it is INVAL, as in poll(2) above the limit of descriptors.
const SUBSCRIPTIONS_MAX = 16384;

// Offsets in a subscription.
const TAG = 8;
const CLOCK = 16;
const FD = 16;
const TIMEOUT = 24;
const CLOCK_FLAGS = 40;

const TAG_CLOCK = 0;
const TAG_FD_READ = 1;
const TAG_FD_WRITE = 2;
const ABSTIME = 1;
const REALTIME = 0;
const MONOTONIC = 1;
const THREAD_CPUTIME = 3;

// Offsets in an event.
const EVENT_ERRNO = 8;
const EVENT_TYPE = 10;
const EVENT_NBYTES = 16;
const EVENT_FLAGS = 24;

const MILLISECOND = 1_000_000n; // nanoseconds
const LONGEST = 1n << 60n;

const READY = { errno: ERRNO.SUCCESS, nbytes: 0n, flags: 0 };

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

const now = () => process.hrtime.bigint();
const wallClock = () => BigInt(Date.now()) * MILLISECOND;

/** How long, in milliseconds: never too short. */
function milliseconds(nanoseconds) {
  if (nanoseconds <= MILLISECOND) return 1n;
  const most = nanoseconds > LONGEST ? LONGEST : nanoseconds;
  return (most + MILLISECOND - 1n) / MILLISECOND;
}

class Polls {
  #fds;
  #files;
  #memory;
  #node;

  /**
   * @param {import('./fds').GuestFds} fds
   * @param {import('./files').Files} files
   * @param {import('./node-wasi').NodeCalls} node
   * @param {import('../memory').GuestMemory} memory
   */
  constructor(fds, files, node, memory) {
    this.#fds = fds;
    this.#files = files;
    this.#node = node;
    this.#memory = memory;
  }

  poll(input, output, count, nevents) {
    const memory = this.#memory;
    if (
      !memory.has(input, count * SUBSCRIPTION_SIZE) ||
      !memory.has(output, count * EVENT_SIZE) ||
      !memory.has(nevents, 4)
    ) {
      return ERRNO.FAULT;
    }
    if (count === 0 || count > SUBSCRIPTIONS_MAX) return ERRNO.INVAL;
    const subscriptions = this.#read(input, count);
    if (subscriptions === undefined) return ERRNO.INVAL;
    const errno = this.#wait(subscriptions);
    if (errno !== ERRNO.SUCCESS) return errno;
    memory.setU32(nevents, this.#putEvents(subscriptions, output));
    return ERRNO.SUCCESS;
  }

  // Undefined: there is one that is not valid.
  #read(input, count) {
    const bytes = new Uint8Array(count * SUBSCRIPTION_SIZE);
    this.#memory.copy(input, bytes.length, bytes, 0);
    const words = new DataView(bytes.buffer);
    const start = now();
    const subscriptions = [];
    for (let at = 0; at < bytes.length; at += SUBSCRIPTION_SIZE) {
      const tag = bytes[at + TAG];
      const of =
        tag === TAG_CLOCK
          ? this.#readClock(words, at, start)
          : this.#readFd(words, at, tag);
      if (of === undefined) return undefined;
      of.userdata = words.getBigUint64(at, true);
      of.tag = tag;
      subscriptions.push(of);
    }
    return subscriptions;
  }

  #readClock(words, at, start) {
    const clock = words.getUint32(at + CLOCK, true);
    const flags = words.getUint16(at + CLOCK_FLAGS, true);
    let timeout = words.getBigUint64(at + TIMEOUT, true);
    if (clock > THREAD_CPUTIME || flags & ~ABSTIME) return undefined;
    if (clock > MONOTONIC) return { event: { ...READY, errno: ERRNO.NOTSUP } };
    if (flags & ABSTIME) {
      timeout -= clock === REALTIME ? wallClock() : start;
    }
    return { deadline: start + timeout };
  }

  #readFd(words, at, tag) {
    if (tag !== TAG_FD_READ && tag !== TAG_FD_WRITE) return undefined;
    const entry = this.#fds.get(words.getUint32(at + FD, true));
    if (entry === undefined) return { event: { ...READY, errno: ERRNO.BADF } };
    if (entry.target !== undefined) {
      const errno = tag === TAG_FD_READ ? ERRNO.BADF : ERRNO.SUCCESS;
      return { event: { ...READY, errno } };
    }
    const errno =
      entry.hostFd === undefined
        ? this.#files.learn(entry)
        : learnStream(entry);
    if (errno !== ERRNO.SUCCESS) return { event: { ...READY, errno } };
    const isAlwaysReady = ['file', 'directory', 'device'].includes(entry.kind);
    return isAlwaysReady ? { event: READY } : { entry };
  }

  // Until there is an event, which a timer that is early does not make.
  #wait(subscriptions) {
    const waiting = subscriptions.filter(({ entry }) => entry !== undefined);
    const deadlines = subscriptions
      .map(({ deadline }) => deadline)
      .filter((deadline) => deadline !== undefined);
    const isThere = subscriptions.some(({ event }) => event !== undefined);
    let first = deadlines.reduce((a, b) => (a < b ? a : b), deadlines[0]);
    if (isThere) first = 0n;
    let errno = ERRNO.SUCCESS;
    let ended = waiting.length === 0 && isThere;
    while (!ended && errno === ERRNO.SUCCESS) {
      const left = first === undefined ? undefined : first - now();
      if (waiting.length > 0) errno = this.#pollInNode(waiting, left);
      else if (left > 0n) {
        Atomics.wait(sleepCell, 0, 0, Number(milliseconds(left)));
      }
      ended =
        waiting.some(({ event }) => event !== undefined) ||
        (first !== undefined && first <= now());
    }
    const end = now();
    for (const of of subscriptions) {
      if (of.deadline <= end) of.event = READY;
    }
    return errno;
  }

  // Two guest fds of one descriptor are one for Node.
  #pollInNode(waiting, left) {
    const groups = new Map();
    const nodeFds = new Map();
    for (const of of waiting) {
      const { hostFd, nodeFd } = of.entry;
      const shared = hostFd ?? `file ${nodeFd}`;
      if (!nodeFds.has(shared)) nodeFds.set(shared, nodeFd);
      const key = `${of.tag} ${shared}`;
      const group = groups.get(key) ?? { nodeFd: nodeFds.get(shared), of: [] };
      group.of.push(of);
      groups.set(key, group);
    }
    return this.#callNode([...groups.values()], left);
  }

  #callNode(groups, left) {
    const count = groups.length + (left === undefined ? 0 : 1);
    const output = count * SUBSCRIPTION_SIZE;
    const nevents = output + count * EVENT_SIZE;
    const bytes = this.#node.scratch(nevents + 4).fill(0, 0, nevents + 4);
    const words = new DataView(bytes.buffer);
    groups.forEach(({ nodeFd, of: [{ tag }] }, i) => {
      const at = i * SUBSCRIPTION_SIZE;
      words.setBigUint64(at, BigInt(i), true);
      bytes[at + TAG] = tag;
      words.setUint32(at + FD, nodeFd, true);
    });
    if (left !== undefined) {
      // Not 0: then Node would not look at the descriptors.
      const at = groups.length * SUBSCRIPTION_SIZE;
      const timeout = milliseconds(left) * MILLISECOND;
      words.setBigUint64(at, BigInt(groups.length), true);
      words.setUint32(at + CLOCK, MONOTONIC, true);
      words.setBigUint64(at + TIMEOUT, timeout, true);
    }
    const errno = this.#node.callOnScratch(
      'poll_oneoff',
      0,
      output,
      count,
      nevents,
    );
    if (errno !== ERRNO.SUCCESS) return errno;
    for (let i = 0; i < words.getUint32(nevents, true); i++) {
      const at = output + i * EVENT_SIZE;
      const group = groups[Number(words.getBigUint64(at, true))];
      if (group === undefined) continue; // the clock
      const event = {
        errno: words.getUint16(at + EVENT_ERRNO, true),
        nbytes: words.getBigUint64(at + EVENT_NBYTES, true),
        flags: words.getUint16(at + EVENT_FLAGS, true),
      };
      for (const of of group.of) of.event = event;
    }
    return ERRNO.SUCCESS;
  }

  #putEvents(subscriptions, output) {
    const memory = this.#memory;
    const there = subscriptions.filter(({ event }) => event !== undefined);
    there.forEach(({ event, tag, userdata }, i) => {
      const at = output + i * EVENT_SIZE;
      memory.setU64(at, userdata);
      memory.view.fill(0, at + EVENT_ERRNO, at + EVENT_SIZE);
      memory.setU16(at + EVENT_ERRNO, event.errno);
      memory.view[at + EVENT_TYPE] = tag;
      memory.setU64(at + EVENT_NBYTES, event.nbytes);
      memory.setU16(at + EVENT_FLAGS, event.flags);
    });
    return there.length;
  }
}

module.exports = { Polls };
