'use strict';

// Random programs of WASI calls: definitions shared by their author and the machine
// that runs them in a guest.
//
// A program is a list of operations. It names an fd by a slot, since the host
// chooses the numbers. A slot without an fd stands for one that is not open. The
// programs of one author run one after the other in one guest.

const { pattern } = require('./bytes');

const PAGE = 65536;
const PAGES = 5; // of the guest's memory

const NAMES = ['a', 'b', 'c', 'd'];
const STDIO = [1, 2];
const NO_FD = 0xffffffff;

const CONTENT = pattern((PAGES - 1) * PAGE);

/** Text that describes an operation. */
function textOf(operation) {
  return JSON.stringify(operation, (key, value) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

module.exports = { CONTENT, NAMES, NO_FD, PAGE, PAGES, STDIO, textOf };
