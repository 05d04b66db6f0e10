'use strict';

/** The result of run() and spawn(), with what is mostly so. */
const resultOf = (result) => ({
  exitCode: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  ...result,
});

module.exports = { resultOf };
