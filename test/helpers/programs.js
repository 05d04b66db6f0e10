'use strict';

// Random programs of WASI calls: what their author and the machine that runs one
// in a guest agree on.
//
// A program is a list of operations. It names an fd by a slot, since the
// numbers are the host's to give; a slot without an fd stands for one that is
// not open. Programs of one author are for one guest, one after the other.

const { pattern } = require('./bytes');

const PAGE = 65536;
const PAGES = 5; // of the guest's memory

const NAMES = ['a', 'b', 'c', 'd'];
const STDIO = [1, 2];
const NO_FD = 0xffffffff;

const CONTENT = pattern((PAGES - 1) * PAGE);

/** Text that tells an operation. */
function textOf(operation) {
  return JSON.stringify(operation, (key, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

module.exports = { CONTENT, NAMES, NO_FD, PAGE, PAGES, STDIO, textOf };
