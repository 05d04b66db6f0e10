'use strict';

// What both sides of the addon must have alike: the mailbox, and the operations
// besides the calls of preview1. scripts/build-calls.js makes src/calls.h of it.

const { version } = require('../../package.json');
const { CALLS } = require('../preview1');

/**
 * The mailbox. RESULT to WIDE are indices of 32-bit words; an argument of 32 bits
 * goes to the next word from ARGUMENTS on, one of 64 bits to the next word of 64
 * bits from WIDE on.
 */
const BOX = Object.freeze({
  OP: 0, // what to do
  RESULT: 1,
  OUT: 2, // another result
  ARGUMENTS: 3, // seven of them
  WIDE: 6, // two of them; an index of a 64-bit word
  WORDS: 16, // of 32 bits, in all
});

/** Operations that are made as calls are: they may wait, and deliver. */
const BUFFERED = Object.freeze([
  'buffered_write',
  'buffered_pwrite',
  'flush',
  'flush_before',
]);

/** Operations of the host: src/host.c says what each takes. */
const CONTROL = Object.freeze([
  'resume',
  'set_memory',
  'set_args',
  'set_environ',
  'set_buffer',
  'insert',
  'insert_bytes',
  'preopen',
  'remove',
  'remove_target',
  'describe',
  'unflushed',
  'taken',
  'give_back',
  'discard',
  'capture_size',
  'capture_read',
  'free_captures',
  'stats',
  'close',
]);

/** Each call and operation by its number in BOX.OP. proc_exit is done in JS. */
const OPS = Object.freeze(
  [...Object.keys(CALLS), ...BUFFERED, ...CONTROL].reduce(
    (ops, name, number) => ({ ...ops, [name]: number }),
    {},
  ),
);

/** FNV-1a of 32 bits. */
function fnv1a(text, seed) {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/**
 * A hash over all of that: an addon with another one was built from other sources,
 * and is not called.
 */
function abiHash() {
  const text = JSON.stringify([version, CALLS, BUFFERED, CONTROL, BOX]);
  return fnv1a(text, 0x811c9dc5) + fnv1a(text, 0x01234567);
}

module.exports = { BOX, BUFFERED, CONTROL, OPS, abiHash };
