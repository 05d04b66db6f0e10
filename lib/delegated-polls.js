'use strict';

// poll_oneoff of Node's WASI, which ends the process when a descriptor that is not
// open comes before another one, and takes memory for as many subscriptions as a
// guest names.

const { ERRNO } = require('./preview1');

const SUBSCRIPTION_SIZE = 48;
const EVENT_SIZE = 32;

// Above this it is INVAL, as in poll(2) above the limit of descriptors.
const SUBSCRIPTIONS_MAX = 16384;

const TAG = 8; // offsets in a subscription
const FD = 16;
const TAG_FD_READ = 1;
const TAG_FD_WRITE = 2;

const EVENT_ERRNO = 8; // offsets in an event
const EVENT_TYPE = 10;

/**
 * @param {Function} poll a closure of Node's function
 * @param {import('./memory').GuestMemory} memory
 * @param {(fd: number) => boolean} isOpen
 */
function guardPoll(poll, memory, isOpen) {
  // Puts an event for each descriptor that is not open, and says how many.
  function putClosed(input, output, count) {
    let events = 0;
    for (let i = 0; i < count; i++) {
      const at = (input >>> 0) + i * SUBSCRIPTION_SIZE;
      const tag = memory.view[at + TAG];
      if (tag !== TAG_FD_READ && tag !== TAG_FD_WRITE) continue;
      if (isOpen(memory.u32(at + FD))) continue;
      const event = (output >>> 0) + EVENT_SIZE * events++;
      const userdata = memory.u64(at);
      memory.view.fill(0, event, event + EVENT_SIZE);
      memory.setU64(event, userdata);
      memory.setU16(event + EVENT_ERRNO, ERRNO.BADF);
      memory.view[event + EVENT_TYPE] = tag;
    }
    return events;
  }

  return (input, output, count, nevents) => {
    const length = count >>> 0;
    if (
      !memory.has(input, length * SUBSCRIPTION_SIZE) ||
      !memory.has(output, length * EVENT_SIZE)
    ) {
      return ERRNO.FAULT;
    }
    if (!memory.has(nevents, 4)) return ERRNO.OVERFLOW;
    if (length > SUBSCRIPTIONS_MAX) return ERRNO.INVAL;
    const closed = putClosed(input, output, length);
    if (closed === 0) return poll(input, output, count, nevents);
    memory.setU32(nevents, closed);
    return ERRNO.SUCCESS;
  };
}

module.exports = { guardPoll };
