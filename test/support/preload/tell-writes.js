'use strict';

// Preloaded: prints each write of a guest on descriptor 3, with the number of its
// thread.

const { subscribe } = require('node:diagnostics_channel');
const fs = require('node:fs');
const { threadId } = require('node:worker_threads');

const RESULT = 3;

subscribe('wasi-writev:fd_write', ({ errnoName, fd, nwritten }) =>
  fs.writeSync(RESULT, `${threadId} ${fd} ${nwritten} ${errnoName}\n`),
);
