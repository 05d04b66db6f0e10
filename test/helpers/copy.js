'use strict';

// The package at other places: a second copy in this process, as when two dependencies
// have their own, and the dependency of a project.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { isWindows } = require('./windows');

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

/**
 * Makes this checkout a dependency of the project in `directory`. On Windows, where few
 * may make links, that has the preload alone.
 */
function installPackage(directory) {
  const modules = path.join(directory, 'node_modules');
  const installed = path.join(modules, 'wasi-writev');
  fs.mkdirSync(modules);
  if (!isWindows) {
    fs.symlinkSync(ROOT, installed);
    return;
  }
  const write = (name, text) =>
    fs.writeFileSync(path.join(installed, name), text);
  const register = path.join(ROOT, 'lib/register.js');
  fs.mkdirSync(installed);
  write('package.json', '{ "exports": { "./register": "./register.js" } }');
  write('register.js', `require(${JSON.stringify(register)});`);
}

module.exports = { copyPackage, installPackage };
