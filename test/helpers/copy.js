'use strict';

// A second copy of the package in this process, as when two dependencies have their
// own.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const PARTS = [
  'lib',
  'src',
  'package.json',
  'build/Release/wasi_writev.node', // in a checkout that has built it
];

/** @returns {string} the directory of a copy, removed at the end of the process */
function copyPackage() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-copy-'));
  process.on('exit', () => fs.rmSync(directory, { recursive: true }));
  for (const part of PARTS) {
    const from = path.join(ROOT, part);
    if (!fs.existsSync(from)) continue;
    fs.cpSync(from, path.join(directory, part), { recursive: true });
  }
  return directory;
}

module.exports = { copyPackage };
