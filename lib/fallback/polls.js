'use strict';

// poll_oneoff.
//
// Node's ends the process if a closed descriptor comes before another one. It
// allocates memory for as many subscriptions as the guest names, and reads them
// while another thread can change them. It never reaches an absolute time, reports
// no descriptor once a time is due, waits for all of several descriptors, and sees
// one subscription of a descriptor only.
//
// So Node gets lists of our own: descriptors to read or to write, each once, and a
// time. For several descriptors the time is short, and Node is called repeatedly.

const { canSeek } = require('./fds');
const { learnStream } = require('./writes');
const { ERRNO } = require('../preview1');

const SUBSCRIPTION_SIZE = 48;
const EVENT_SIZE = 32;

// A longer list is INVAL, like poll(2) above the limit of descriptors.
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

// How long Node waits if there are several descriptors.
const SLICE_MIN = 2n * MILLISECOND;
const SLICE_MAX = 16n * MILLISECOND;

const READY = { errno: ERRNO.SUCCESS, nbytes: 0n, flags: 0 };

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

const now = () => process.hrtime.bigint();
const wallClock = () => BigInt(Date.now()) * MILLISECOND;

const min = (a, b) => (a < b ? a : b);

/** Rounds up to milliseconds. */
function milliseconds(nanoseconds) {
  return (min(nanoseconds, LONGEST) + MILLISECOND - 1n) / MILLISECOND;
}

function sleep(nanoseconds) {
  if (nanoseconds <= 0n) return;
  Atomics.wait(sleepCell, 0, 0, Number(milliseconds(nanoseconds)));
}

/** Node polls no stream of Windows. There a write waits for room, a read for data. */
const isAlwaysReady = (entry) => canSeek(entry) || process.platform === 'win32';

/** Undefined: there is no clock. */
function firstDeadline(subscriptions) {
  const deadlines = subscriptions
    .map(({ deadline }) => deadline)
    .filter((deadline) => deadline !== undefined);
  return deadlines.length === 0 ? undefined : deadlines.reduce(min);
}

/**
 * Lists for Node: of descriptors to read, and to write. Guest fds of one descriptor
 * share an element.
 */
function listsOf(waiting) {
  const groups = new Map();
  for (const of of waiting) {
    const { hostFd, nodeFd } = of.entry;
    const key = `${of.tag} ${hostFd ?? `file ${nodeFd}`}`;
    if (!groups.has(key)) groups.set(key, { nodeFd, of: [] });
    groups.get(key).of.push(of);
  }
  const all = [...groups.values()];
  return [TAG_FD_READ, TAG_FD_WRITE]
    .map((tag) => all.filter((group) => group.of[0].tag === tag))
    .filter((list) => list.length > 0);
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

  // Undefined: a subscription is not valid.
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
    return isAlwaysReady(entry) ? { event: READY } : { entry };
  }

  // Waits until there is an event. A timer may fire early, which is no event.
  #wait(subscriptions) {
    const lists = listsOf(subscriptions.filter(({ entry }) => entry));
    const isSingle = lists.flat().length === 1;
    const isThere = () => subscriptions.some(({ event }) => event);
    let slice = SLICE_MIN;
    // An event that exists already ends the first round.
    const first = isThere() ? 0n : firstDeadline(subscriptions);
    do {
      const left = (first ?? LONGEST) - now();
      if (lists.length === 0) sleep(left);
      for (const list of lists) {
        const most = isSingle ? left : isThere() ? 0n : min(left, slice);
        const endless = isSingle && first === undefined;
        const errno = this.#callNode(list, endless ? undefined : most);
        if (errno !== ERRNO.SUCCESS) return errno;
      }
      slice = min(2n * slice, SLICE_MAX);
    } while (!isThere() && (first === undefined || first > now()));
    const end = now();
    for (const of of subscriptions) {
      if (of.deadline <= end) of.event = READY;
    }
    return ERRNO.SUCCESS;
  }

  // Waits for one of the descriptors, or for `left` nanoseconds.
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
      const at = groups.length * SUBSCRIPTION_SIZE;
      // Node's timer counts whole milliseconds. If it is due at once, Node does not
      // look at the descriptors.
      const timeout = milliseconds(left > SLICE_MIN ? left : SLICE_MIN);
      words.setBigUint64(at, BigInt(groups.length), true);
      words.setUint32(at + CLOCK, MONOTONIC, true);
      words.setBigUint64(at + TIMEOUT, timeout * MILLISECOND, true);
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
