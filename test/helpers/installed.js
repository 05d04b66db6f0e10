'use strict';

const { spawnSync } = require('node:child_process');

/** Whether there is a program of this name. */
const isInstalled = (name) =>
  spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** Whether there is a C compiler that has its sanitizers. */
const hasSanitizers = () =>
  spawnSync(
    process.env.CC ?? 'cc',
    ['-fsanitize=address,undefined', '-x', 'c', '-o', '/dev/null', '-'],
    { input: 'int main(void) { return 0; }' },
  ).status === 0;

/** `it` for a test that needs a program: skipped where there is none. */
const itWith = (name) => (isInstalled(name) ? it : it.skip);

module.exports = { hasSanitizers, isInstalled, itWith };
