'use strict';

// The numbers that both sides of the addon share. scripts/build-calls.js makes
// src/abi.h and src/calls.h of them.

const { CALLS } = require('../preview1');

// That of package.json, which some bundlers cannot read.
const VERSION = '0.1.0';

/**
 * OP to ARGUMENTS are indices of 32-bit words, WIDE of a 64-bit word. Arguments of
 * 32 bits are from ARGUMENTS on, those of 64 bits from WIDE on.
 */
const BOX = Object.freeze({
  OP: 0, // the operation
  RESULT: 1,
  OUT: 2, // another result
  ARGUMENTS: 3, // seven of them
  WIDE: 6, // five of them; an index of a 64-bit word
  WORDS: 22, // of 32 bits, in all
});

/** Answers that are not errnos: JS must act, and make the call again. */
const ANSWERS = Object.freeze({
  DELIVER: 0xffff, // deliver this write to the target in OUT; not made again
  RESUME: 0xfffe, // a slice of a wait is over: see src/wait.h
  DELIVER_BUFFERED: 0xfffd, // first deliver the buffered bytes to their target
  ASK: 0xfffc, // does the target in OUT take anything?
  ENDED: 0xfffb, // the guest ends: its starting thread said so
});

/** Bits of the last argument of `buffered_write` and `buffered_pwrite`. */
const WRITE = Object.freeze({
  TRACED: 1 << 0, // not in the plain case: the addon must see each call
  NOT_BUFFERED: 1 << 1, // nobody will flush, or the target takes nothing more
  ASKED: 1 << 2, // JS was asked: the target takes bytes
});

/** Which writes `set_buffer` has the addon buffer. */
const BUFFERED = Object.freeze({
  CAPTURES: 0, // captures only: they are not visible before they are read
  AUTO: 1, // also regular files
  ALL: 2, // everything except fd 2
});

/**
 * The size of the buffer's header, in bytes: see src/buffer.h and src/combiner.wat.
 */
const BUFFER = Object.freeze({ HEADER_SIZE: 64 });

/** What `insert` puts at an fd of the guest. */
const INSERT = Object.freeze({
  HOST: 0, // a host descriptor of the caller's
  TARGET: 1, // a target of JS
  CAPTURE: 2, // WIDE: its limit; OUT: its number
  NULL: 3, // the null device: 0 to read, 1 to write
  RUN: 4, // a stream of the run, by its number
});

/** What `run_open` opens for a stream. */
const STREAM = Object.freeze({ NONE: 0, PIPE: 1, CAPTURE: 2 });

/** Bits of the answer of `describe`; OUT has the number of a target or capture. */
const IS = Object.freeze({
  OPEN: 1 << 0,
  TARGET: 1 << 1,
  CAPTURE: 1 << 2,
});

/** Operations that may wait and deliver, like calls of the guest. */
const OWN_CALLS = Object.freeze([
  'buffered_write',
  'buffered_pwrite',
  'flush',
  'flush_before',
]);

/** Operations of the host: src/host.c describes their arguments. */
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
  'run_open',
  'run_join',
  'run_flush',
  'run_end',
  'run_close',
  'run_hand_over',
]);

/** The number of each call and operation in BOX.OP. JS handles proc_exit. */
const OPS = Object.freeze(
  [...Object.keys(CALLS), ...OWN_CALLS, ...CONTROL].reduce(
    (ops, name, number) => ({ ...ops, [name]: number }),
    {},
  ),
);

/** All numbers, by their prefixes in C. */
const NUMBERS = Object.freeze({
  ANSWER: ANSWERS,
  BOX,
  BUFFER,
  BUFFERED,
  INSERT,
  IS,
  STREAM,
  WRITE,
});

/** FNV-1a, 32 bits. */
function fnv1a(text, seed) {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** A hash over all of the above: an addon with another one is not used. */
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
  STREAM,
  VERSION,
  WRITE,
  abiHash,
};
