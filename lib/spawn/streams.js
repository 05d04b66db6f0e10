'use strict';

// This side of a tool's standard streams: who feeds stdin, and who takes stdout and
// stderr.

const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { setImmediate: turn } = require('node:timers/promises');
const { types } = require('node:util');
const { invalidType, withCode } = require('../errors');
const { validateDescriptor } = require('../node-checks');

const STDIN = 0;
const NAMES = ['stdin', 'stdout', 'stderr'];

const isObject = (value) => typeof value === 'object' && value !== null;
const isWritable = (value) =>
  isObject(value) &&
  typeof value.write === 'function' &&
  typeof value.on === 'function';
const isWebWritable = (value) =>
  isObject(value) && typeof value.getWriter === 'function';

/** What gives input piece by piece, or undefined. */
function iterableOf(source) {
  if (!isObject(source) || ArrayBuffer.isView(source)) return undefined;
  if (source instanceof Blob) return source.stream();
  return Symbol.asyncIterator in source || Symbol.iterator in source
    ? source
    : undefined;
}

/**
 * How a stream is given to a tool.
 *
 * @typedef {object} Plan
 * @property {object} [stream] what the guest has, as lib/engine.js says; or else
 * @property {'pipe' | 'capture'} [run] what the run opens
 * @property {(end: import('node:stream').Duplex) => Promise<void>} [serve] feeds the pipe, or takes
 *   from it, until it is over; without it the pipe is the caller's
 */

/** Whether it is a pipe that the caller has the other end of. */
const isPipe = ({ run, serve }) => run === 'pipe' && serve === undefined;

function descriptor(hostFd, fd) {
  validateDescriptor(hostFd, `options.${NAMES[fd]}`);
  return { stream: { hostFd } };
}

/** @returns {Plan} */
function planInput(source) {
  if (source === 'pipe') return { run: 'pipe' };
  if (source === 'inherit') return { stream: { hostFd: 0 } };
  if (source === 'ignore') return { stream: {} };
  if (typeof source === 'number') return descriptor(source, STDIN);
  // A copy that can be handed over.
  if (typeof source === 'string') {
    return { stream: { bytes: new TextEncoder().encode(source) } };
  }
  if (types.isUint8Array(source)) {
    return { stream: { bytes: new Uint8Array(source) } };
  }
  const iterable = iterableOf(source);
  if (iterable !== undefined) {
    return { run: 'pipe', serve: (end) => feed(iterable, end) };
  }
  throw invalidType(
    'options.stdin',
    "'pipe', 'inherit', 'ignore', a file descriptor, a string, a Uint8Array, a " +
      'Readable, a ReadableStream, an iterable or a Blob',
    source,
  );
}

/** @returns {Plan} */
function planOutput(target, fd) {
  if (target === 'pipe' || target === 'capture') return { run: target };
  if (target === 'inherit') return { stream: { hostFd: fd } };
  if (target === 'ignore') return { stream: {} };
  if (typeof target === 'number') return descriptor(target, fd);
  const serve = serverOf(target);
  if (serve !== undefined) return { run: 'pipe', serve };
  throw invalidType(
    `options.${NAMES[fd]}`,
    "'pipe', 'capture', 'inherit', 'ignore', a file descriptor, a function, a " +
      'Writable or a WritableStream',
    target,
  );
}

function serverOf(target) {
  if (typeof target === 'function') return (end) => callWith(target, end);
  if (isWritable(target)) return (end) => pipeTo(target, end);
  if (isWebWritable(target)) return (end) => writeTo(target, end);
  return undefined;
}

function readableOf(source) {
  if (source instanceof Readable) return source;
  return source instanceof ReadableStream
    ? Readable.fromWeb(source, { objectMode: true })
    : Readable.from(source);
}

async function* checked(source) {
  for await (const chunk of source) {
    if (typeof chunk !== 'string' && !types.isUint8Array(chunk)) {
      throw invalidType(
        'A chunk of options.stdin',
        'a string or a Uint8Array',
        chunk,
      );
    }
    yield chunk;
  }
}

// A tool need not read all of its input: the source is given up once the end is closed.
async function feed(source, end) {
  const over = new AbortController();
  end.once('close', () => {
    if (!end.errored && !end.writableFinished) over.abort();
  });
  try {
    const { signal } = over;
    await pipeline(readableOf(source), checked, end, { signal });
  } catch (error) {
    if (error.code !== 'EPIPE') throw error;
  }
}

async function callWith(target, end) {
  for await (const chunk of end) await target(chunk);
}

const writeAfterEnd = () =>
  withCode(
    new Error('The stream for the output of a tool has ended'),
    'ERR_STREAM_WRITE_AFTER_END',
  );

function allowListeners(target, more) {
  const count = target.getMaxListeners?.() ?? 0; // 0: any number
  if (count > 0) target.setMaxListeners(count + more);
}

// pipeline() leaves listeners on a target that it does not end.
async function pipeTo(target, end) {
  let failure;
  let relieve = () => {};
  const fail = (error = writeAfterEnd()) => {
    failure ??= { error };
    end.destroy();
    relieve();
  };
  const listeners = {
    close: () => fail(),
    drain: () => relieve(),
    error: fail,
    finish: () => fail(),
  };
  // Any number of tools may write to it.
  allowListeners(target, 1);
  for (const [event, listener] of Object.entries(listeners)) {
    target.on(event, listener);
  }
  try {
    if (target.destroyed || target.writableEnded) throw writeAfterEnd();
    for await (const chunk of end) {
      if (target.write(chunk) !== false || failure !== undefined) continue;
      await new Promise((resolve) => {
        relieve = resolve;
      });
    }
    await turn(); // the last write may fail, too
  } catch (error) {
    failure ??= { error };
  }
  for (const [event, listener] of Object.entries(listeners)) {
    target.off(event, listener);
  }
  allowListeners(target, -1);
  if (failure === undefined) return;
  target.on('error', () => {}); // the caller of the tool is told
  throw failure.error;
}

async function writeTo(target, end) {
  const writer = target.getWriter();
  try {
    for await (const chunk of end) {
      await writer.ready;
      await writer.write(chunk);
    }
  } finally {
    writer.releaseLock();
  }
}

module.exports = {
  NAMES,
  isPipe,
  isWebWritable,
  iterableOf,
  planInput,
  planOutput,
};
