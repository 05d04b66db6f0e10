'use strict';

const { spawnSync } = require('node:child_process');

/** Whether there is a program of this name. */
const isInstalled = (name) =>
  spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

/** `it` for a test that needs a program: skipped where there is none. */
const itWith = (name) => (isInstalled(name) ? it : it.skip);

module.exports = { isInstalled, itWith };
