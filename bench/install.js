'use strict';

// Installs and builds what npm does not.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const FLOOR = path.join(__dirname, 'build', 'floor.node');
const SOURCES = ['floor.c', 'floor-calls.c', 'floor.h'];

function newer(file, other) {
  return fs.statSync(file).mtimeMs > fs.statSync(other).mtimeMs;
}

/** Builds the floor, unless it is newer than its sources. */
function build() {
  const sources = SOURCES.map((name) => path.join(__dirname, name));
  if (fs.existsSync(FLOOR) && !sources.some((source) => newer(source, FLOOR))) {
    return;
  }
  fs.mkdirSync(path.dirname(FLOOR), { recursive: true });
  const { include_dir: headers } = require('node-api-headers');
  const { error, status, stderr } = spawnSync(
    process.env.CC ?? 'cc',
    [
      ...['-std=c11', '-O2', '-Wall', '-Wextra', '-shared', '-fPIC'],
      ...['-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-isystem', headers],
      ...(process.platform === 'darwin'
        ? ['-undefined', 'dynamic_lookup']
        : []),
      ...sources.filter((source) => source.endsWith('.c')),
      ...['-o', FLOOR],
    ],
    { encoding: 'utf8' },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`floor.c: ${stderr}`);
}

/** Installs the package in a directory, once. */
function install(directory) {
  if (fs.existsSync(path.join(directory, 'node_modules'))) return;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  execFileSync(npm, ['ci', '--prefix', directory, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

module.exports = { build, install };
