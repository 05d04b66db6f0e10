'use strict';

// What differs on Windows.

const path = require('node:path');

const isWindows = process.platform === 'win32';

/** A path of the host as a guest may take it: it splits paths at slashes. */
const withSlashes = (file) => file.replaceAll(path.sep, '/');

/** The status of a process that ends with an exit code: 32 bits on Windows, else 8. */
const statusOf = (exitCode) => (isWindows ? exitCode >>> 0 : exitCode & 0xff);

/** For tests of what Windows alone has: else skipped. */
const describeOnWindows = (...suite) =>
  (isWindows ? describe : describe.skip)(...suite);
const itOnWindows = (...test) => (isWindows ? it : it.skip)(...test);

module.exports = {
  describeOnWindows,
  isWindows,
  itOnWindows,
  statusOf,
  withSlashes,
};
