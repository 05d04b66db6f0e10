'use strict';

// What both sides of the addon must have alike: the mailbox, its numbers, and the
// operations besides the calls of preview1. scripts/build-calls.js makes src/abi.h and
// src/calls.h of it.

const { CALLS } = require('../preview1');

// That of package.json, which some bundlers cannot read.
const VERSION = '0.1.0';

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

/** Answers that are no errno: JS has to do something, and make the call again. */
const ANSWERS = Object.freeze({
  DELIVER: 0xffff, // this write to the target in OUT; it is not made again
  RESUME: 0xfffe, // a slice of a wait is over: src/wait.h
  DELIVER_BUFFERED: 0xfffd, // what waits in the buffer, for a target, comes first
  ASK: 0xfffc, // does the target in OUT take anything?
});

/** Bits of the last argument of `buffered_write` and `buffered_pwrite`. */
const WRITE = Object.freeze({
  TRACED: 1 << 0, // no plain case: each call is to come to the addon
  NOT_BUFFERED: 1 << 1, // nobody will come to flush, or the target is over
  ASKED: 1 << 2, // the target is not over
});

/** What `set_buffer` has buffered. */
const BUFFERED = Object.freeze({
  CAPTURES: 0, // those alone: nobody sees one before it is read
  AUTO: 1, // regular files too
  ALL: 2, // all but fd 2
});

/** The header of the buffer, in bytes: src/buffer.h and src/combiner.wat have its words. */
const BUFFER = Object.freeze({ HEADER_SIZE: 64 });

/** What stands behind a number that `insert` puts into the table. */
const INSERT = Object.freeze({
  HOST: 0, // a descriptor of the caller's
  TARGET: 1, // a target of JS
  CAPTURE: 2, // WIDE: its limit; OUT: its number
  NULL: 3, // the null device: 0 to read, 1 to write
});

/** Bits of what `describe` answers; OUT has the number of a target or capture. */
const IS = Object.freeze({
  OPEN: 1 << 0,
  TARGET: 1 << 1,
  CAPTURE: 1 << 2,
});

/** Operations that are made as calls are: they may wait, and deliver. */
const OWN_CALLS = Object.freeze([
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
  [...Object.keys(CALLS), ...OWN_CALLS, ...CONTROL].reduce(
    (ops, name, number) => ({ ...ops, [name]: number }),
    {},
  ),
);

/** All numbers, by their prefix in C. */
const NUMBERS = Object.freeze({
  ANSWER: ANSWERS,
  BOX,
  BUFFER,
  BUFFERED,
  INSERT,
  IS,
  WRITE,
});

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
  const text = JSON.stringify([VERSION, CALLS, OWN_CALLS, CONTROL, NUMBERS]);
  return fnv1a(text, 0x811c9dc5) + fnv1a(text, 0x01234567);
}

module.exports = {
  ANSWERS,
  BOX,
  BUFFER,
  BUFFERED,
  CONTROL,
  INSERT,
  IS,
  NUMBERS,
  OPS,
  OWN_CALLS,
  VERSION,
  WRITE,
  abiHash,
};
