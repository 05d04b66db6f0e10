'use strict';

// Traces writes: `node:diagnostics_channel` gets a message for each call, and
// NODE_DEBUG=wasi-writev prints them. Without a listener a call reads one property.

const { channel } = require('node:diagnostics_channel');
const { debuglog } = require('node:util');
const { isMainThread } = require('node:worker_threads');
const { ERRNO, ERRNO_NAMES, areNumbers } = require('./preview1');

const STDERR = 2;
const NO_LIMIT = -1; // milliseconds of a wait

const fdWrite = channel('wasi-writev:fd_write');
const fdPwrite = channel('wasi-writev:fd_pwrite');

const isTraced = () => fdWrite.hasSubscribers || fdPwrite.hasSubscribers;

/**
 * Publishes a call that has returned. `offset` is undefined for fd_write.
 *
 * @param {import('./memory').GuestMemory} memory
 */
function publish(memory, fd, iovsLen, nwritten, errno, offset) {
  const to = offset === undefined ? fdWrite : fdPwrite;
  if (!to.hasSubscribers) return;
  // A guest that declared the import with other types got INVAL.
  if (!areNumbers(fd, iovsLen, nwritten, errno)) return;
  if (offset !== undefined && typeof offset !== 'bigint') return;
  const message = {
    fd: fd >>> 0,
    iovsLen: iovsLen >>> 0,
    nwritten:
      errno === ERRNO.SUCCESS && memory.has(nwritten, 4)
        ? memory.u32(nwritten)
        : 0,
    errno,
    errnoName: ERRNO_NAMES[errno],
  };
  if (offset !== undefined) message.offset = BigInt.asUintN(64, offset);
  to.publish(message);
}

/** Formats a message: `fd_write fd=1 iovs=2 nwritten=14 errno=SUCCESS`. */
function format({ fd, iovsLen, nwritten, errno, errnoName, offset }) {
  const name = offset === undefined ? 'fd_write' : 'fd_pwrite';
  const at = offset === undefined ? '' : ` offset=${offset}`;
  return (
    `${name} fd=${fd} iovs=${iovsLen}${at} nwritten=${nwritten} ` +
    `errno=${errnoName ?? errno}`
  );
}

const printers = [];

/**
 * Calls `print` with a line for each later call, and with a summary when a guest
 * ends.
 */
function printTo(print) {
  printers.push(print);
  for (const each of [fdWrite, fdPwrite]) {
    each.subscribe((message) => print(format(message)));
  }
}

/** Prints the `stats` of a guest that has ended: `calls=2 bytes=92 ...`. */
function summarize(output) {
  if (printers.length === 0) return;
  const line = Object.entries(output.stats())
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  for (const print of printers) print(line);
}

const debug = debuglog('wasi-writev');
// In Bun `debug` has no `enabled`, and prints only if NODE_DEBUG names the section.
const { enabled = process.env.NODE_DEBUG !== undefined } = debug;
// The stderr of a worker goes through its parent, which may end before.
const printInWorker = (line) => {
  const { writeAll } = require('./fs-writer');
  const text = `WASI-WRITEV ${process.pid}: ${line}\n`;
  writeAll(STDERR, Buffer.from(text), NO_LIMIT);
};
if (enabled) printTo(isMainThread ? debug : printInWorker);

module.exports = {
  fdPwrite,
  fdWrite,
  isTraced,
  printTo,
  publish,
  summarize,
};
