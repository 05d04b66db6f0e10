'use strict';

// Checks what the addons require of the process that loads them: `npm run lint:abi`.
// Covers the build of this checkout, and those in prebuilds/, if any: either a copy of
// that build, or every addon of a release and nothing else.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { hardeningFaults, importsOf } = require('./elf');
const { isOfNode, nodeFaults } = require('./node-api');
const { released } = require('./targets');

const ROOT = path.dirname(__dirname);
const BUILD = path.join(ROOT, 'build/Release');
const PREBUILDS = path.join(ROOT, 'prebuilds');

const LARGEST = 80_000; // bytes of an addon of a release

/** The judgement of node-addon-api, which needs a symbol table. */
function isAddonOfNodeApi(directory) {
  const tool = require.resolve('node-addon-api/tools/check-napi.js');
  // The tool takes its directory only if another argument follows.
  const { error, stdout } = spawnSync(
    process.execPath,
    [tool, directory, '-'],
    { encoding: 'utf8' },
  );
  if (error) throw error;
  // The tool ends nm at the first symbol that it looks for, and may report just
  // that.
  return /N-API|SIGTERM/.test(stdout) && !stdout.includes('Not N-API');
}

/** @returns {string[]} the faults of an addon for this machine alone */
function buildFaults(file) {
  const found = importsOf(file);
  const strange = found.filter(
    ({ bind, name, version }) =>
      bind !== 'WEAK' && !/^GLIBC_/.test(version) && !isOfNode(name),
  );
  return [
    ...nodeFaults(found.map(({ name }) => name)),
    ...hardeningFaults(file),
    ...strange.map(
      ({ name }) => `${name} comes neither from Node-API nor from libc`,
    ),
  ];
}

function addonsIn(directory) {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.node'))
    .map((name) => path.join(directory, name));
}

function targetFaults(file) {
  const target = released.find(({ name }) => name === path.basename(file));
  if (target === undefined) return ['is not a target of a release'];
  const { size } = fs.statSync(file);
  const faults = target.faultsOf(file);
  if (size > LARGEST) faults.push(`has more than ${LARGEST} bytes: ${size}`);
  return faults;
}

/** @returns {string[]} the faults of all addons of a release, and those missing */
function releaseFaults(files) {
  const names = files.map((file) => path.basename(file));
  const missing = released.filter(({ name }) => !names.includes(name));
  return [
    ...files.flatMap((file) =>
      targetFaults(file).map((fault) => `${path.basename(file)} ${fault}`),
    ),
    ...missing.map(({ name }) => `${name} is missing`),
  ];
}

const areEqual = (one, other) =>
  fs.readFileSync(one).equals(fs.readFileSync(other));

function main() {
  const built = addonsIn(BUILD);
  // A copy of the build is there for an install from a Git URL on this machine.
  const prebuilt = addonsIn(PREBUILDS).filter(
    (file) => !built.some((other) => areEqual(file, other)),
  );
  if (built.length + prebuilt.length === 0) {
    throw new Error('There is no addon to check');
  }
  const faults = prebuilt.length > 0 ? releaseFaults(prebuilt) : [];
  // readelf reads no addon that was built on macOS.
  if (process.platform === 'linux') faults.push(...built.flatMap(buildFaults));
  if (built.length > 0 && !isAddonOfNodeApi(BUILD)) {
    faults.push('build/Release is not of Node-API for node-addon-api');
  }
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

if (require.main === module) main();

module.exports = { addonsIn, releaseFaults };
