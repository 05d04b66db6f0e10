'use strict';

// Small writes to one descriptor, with and without a buffer.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { putIovs, withWrites } = require('../helpers/guest');
const { keepsSteady } = require('./steady');

const FD = 1;
const IOVS = 64;
const DATA = 1024;
const SIZE = 16; // bytes
const NWRITTEN = 8;

module.exports = {
  count: 100_000_000,
  unit: 'writes',

  async run({ count, progress }) {
    const stdout = fs.openSync('/dev/null', 'w');
    const figures = {};
    for (const buffered of [false, true]) {
      const { guest, memory, writes } = withWrites({
        fds: { [FD]: stdout },
        buffered,
      });
      putIovs(memory, IOVS, [[DATA, SIZE]]);
      figures[buffered ? 'buffered' : 'direct'] = keepsSteady(
        count,
        () => {
          const errno = guest.fd_write(FD, IOVS, 1, NWRITTEN);
          if (errno !== ERRNO.SUCCESS) assert.fail(`errno ${errno}`);
        },
        progress,
      );
      writes.close();
    }
    fs.closeSync(stdout);
    return figures;
  },
};
