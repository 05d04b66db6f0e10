'use strict';

// What npm does not do by itself.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const FLOOR = path.join(__dirname, 'build', 'Release', 'floor.node');

function newer(file, other) {
  return fs.statSync(file).mtimeMs > fs.statSync(other).mtimeMs;
}

/** Builds the floor where there is none of these sources. */
function build() {
  const sources = ['floor.c', 'binding.gyp'].map((name) =>
    path.join(__dirname, name),
  );
  if (fs.existsSync(FLOOR) && !sources.some((source) => newer(source, FLOOR))) {
    return;
  }
  const gyp = require.resolve('node-gyp/bin/node-gyp.js');
  const args = [gyp, 'rebuild', '-C', __dirname];
  const { status, stdout, stderr } = spawnSync(process.execPath, args);
  if (status !== 0) throw new Error(`floor.c: ${stdout}${stderr}`);
}

/** Installs the package in a directory, if that was not done. */
function install(directory) {
  if (fs.existsSync(path.join(directory, 'node_modules'))) return;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  execFileSync(npm, ['ci', '--prefix', directory, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

module.exports = { build, install };
