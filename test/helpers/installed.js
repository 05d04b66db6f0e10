'use strict';

const { spawnSync } = require('node:child_process');
const { isWindows } = require('./windows');

/** Whether a program of this name is installed. Those of Git for Windows do not count. */
const isInstalled = (name) =>
  !isWindows && spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** Whether a C compiler with sanitizers is installed. */
const hasSanitizers = () =>
  spawnSync(
    process.env.CC ?? 'cc',
    ['-fsanitize=address,undefined', '-x', 'c', '-o', '/dev/null', '-'],
    { input: 'int main(void) { return 0; }' },
  ).status === 0;

/** `it` for a test that needs a program: else skipped. */
const itWith = (name) => (isInstalled(name) ? it : it.skip);

module.exports = { hasSanitizers, isInstalled, itWith };
