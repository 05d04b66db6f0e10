'use strict';

// A process whose guest writes to descriptor 1 and notes what became of it.
//
//   node writer.js JSON
//
// report   file for the notes
// through  'WASI' or 'createWrites'
// touch    whether process.stdout is touched first
// nonblock whether the guest sets NONBLOCK (under WASI)
// calls, size     how many calls, of how many bytes
// buffers  of a call (default 1)
// waitTimeout     the option
// wait     whether to begin when stdin ends
// pid      file for the id of this process; SIGUSR2 is handled then
// full     file to make when the guest gets AGAIN
//
// A short count is continued with the next call, and AGAIN is repeated when the
// guest set NONBLOCK. Any other errno is the end.

const fs = require('node:fs');
const { isatty } = require('node:tty');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { pattern } = require('./bytes');
const { putIovs, u32, withWASI, withWrites } = require('./guest');
const { isNonblock } = require('./host-files');

const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;
const DATA = 65536;
const PAGE = 65536;

const {
  report,
  through,
  touch,
  nonblock = false,
  calls,
  size,
  buffers = 1,
  waitTimeout,
  wait = false,
  pid,
  full,
} = JSON.parse(process.argv[2]);

function kind() {
  const stat = fs.fstatSync(1);
  if (stat.isFIFO()) return 'pipe';
  if (stat.isSocket()) return 'socket';
  return isatty(1) ? 'terminal' : 'file';
}

/** `length` bytes at `pointer`, as several buffers. */
function split(pointer, length) {
  const each = Math.ceil(length / buffers);
  const list = [];
  for (let at = 0; at < length; at += each) {
    list.push([pointer + at, Math.min(each, length - at)]);
  }
  return list;
}

if (pid !== undefined) {
  process.on('SIGUSR2', () => {});
  fs.writeFileSync(`${pid}.part`, String(process.pid));
  fs.renameSync(`${pid}.part`, pid);
}
if (wait) fs.readFileSync(0);
if (touch) void process.stdout;

const { guest, memory } =
  through === 'WASI'
    ? withWASI({ stdout: 1, waitTimeout })
    : withWrites({ fds: { 1: 1 }, waitTimeout });
const total = calls * size;
memory.grow(Math.ceil(total / PAGE));
new Uint8Array(memory.buffer).set(pattern(total), DATA);

const notes = {
  kind: kind(),
  nonblock: isNonblock(1),
  short: 0,
  again: 0,
  touchedOnError: 0,
};
if (nonblock) notes.set = guest.fd_fdstat_set_flags(1, FDFLAGS.NONBLOCK);

const cell = new Int32Array(new SharedArrayBuffer(4));
let done = 0;
let errno = ERRNO.SUCCESS;
while (done < total && errno === ERRNO.SUCCESS) {
  const length = size - (done % size);
  const list = split(DATA + done, length);
  putIovs(memory, IOVS, list);
  new DataView(memory.buffer).setUint32(NWRITTEN, UNTOUCHED, true);
  errno = guest.fd_write(1, IOVS, list.length, NWRITTEN);
  if (errno === ERRNO.SUCCESS) {
    const count = u32(memory, NWRITTEN);
    if (count < length) notes.short++;
    done += count;
    continue;
  }
  if (u32(memory, NWRITTEN) !== UNTOUCHED) notes.touchedOnError++;
  if (errno === ERRNO.AGAIN && nonblock) {
    if (notes.again++ === 0 && full !== undefined) fs.writeFileSync(full, '');
    errno = ERRNO.SUCCESS;
    Atomics.wait(cell, 0, 0, 1);
  }
}

fs.writeFileSync(
  report,
  JSON.stringify({
    ...notes,
    written: done,
    errno,
    nonblockAfter: isNonblock(1),
  }),
);
