'use strict';

// Installs and builds what npm does not.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const BUILD = path.join(__dirname, 'build');
const FLOOR = ['floor.c', 'floor-calls.c', 'floor.h'];
const TOOL = ['spawn-tool.c'];

function newer(file, other) {
  return fs.statSync(file).mtimeMs > fs.statSync(other).mtimeMs;
}

/** Compiles sources into build/, unless the result is newer than they are. */
function compile(name, files, flags) {
  const target = path.join(BUILD, name);
  const sources = files.map((file) => path.join(__dirname, file));
  const isBuilt =
    fs.existsSync(target) && !sources.some((source) => newer(source, target));
  if (isBuilt) return target;
  fs.mkdirSync(BUILD, { recursive: true });
  const { error, status, stderr } = spawnSync(
    process.env.CC ?? 'cc',
    [
      ...['-std=c11', '-O2', '-Wall', '-Wextra', '-D_GNU_SOURCE', ...flags],
      ...sources.filter((source) => source.endsWith('.c')),
      ...['-o', target],
    ],
    { encoding: 'utf8' },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`${files[0]}: ${stderr}`);
  return target;
}

/** Builds the floor. */
function build() {
  const { include_dir: headers } = require('node-api-headers');
  compile('floor.node', FLOOR, [
    ...['-shared', '-fPIC', '-DNAPI_VERSION=8', '-isystem', headers],
    ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []),
  ]);
}

/** Builds the tools of `--spawn` as a program. Returns its path. */
const buildTool = () => compile('spawn-tool', TOOL, []);

/** Installs the package in a directory, once. */
function install(directory) {
  if (fs.existsSync(path.join(directory, 'node_modules'))) return;
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  execFileSync(npm, ['ci', '--prefix', directory, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

module.exports = { build, buildTool, install };
