'use strict';

// Required by mocha: makes the tarball once, for test files that run side by side.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pack } = require('./support');

let workplace;

exports.mochaGlobalSetup = () => {
  if (process.env.WASI_WRITEV_TARBALL) return;
  workplace = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-pack-'));
  process.env.WASI_WRITEV_TARBALL = pack(workplace);
};

exports.mochaGlobalTeardown = () => {
  if (workplace !== undefined) fs.rmSync(workplace, { recursive: true });
};
