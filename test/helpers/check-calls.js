'use strict';

// Calls whose arguments are checked before the write.

const PAGE = 65536;
const DATA = PAGE;
const GOOD = [
  [DATA, 10],
  [DATA + 20, 7],
  [DATA + 5, 3],
];

// The most that one call writes to a file: MAX_RW_COUNT of Linux.
const CALL_MAX = 0x7ffff000;

// Both calls, with the same named arguments.
const CALLS = {
  fd_write: (guest, { fd, iovs, length, nwritten }) =>
    guest.fd_write(fd, iovs, length, nwritten),
  fd_pwrite: (guest, { fd, iovs, length, nwritten, offset }) =>
    guest.fd_pwrite(fd, iovs, length, offset, nwritten),
};

/** How many of `total` bytes one call writes to a stream that takes all. */
function atOnce(name, total) {
  // fd_pwrite is one system call, whatever the target.
  return name === 'fd_write' ? total : Math.min(total, CALL_MAX);
}

module.exports = { CALLS, GOOD, atOnce };
