'use strict';

// Checks what the addons require of the process that loads them: `npm run lint:abi`.
// Covers the build of this checkout, and those in prebuilds/, if any.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { symbols } = require('node-api-headers');
const { targets } = require('./targets');

const ROOT = path.dirname(__dirname);
const BUILD = path.join(ROOT, 'build/Release');
const PREBUILDS = path.join(ROOT, 'prebuilds');
/** NAPI_VERSION in src/binding.gyp. */
const NODE_API = new Set(
  Object.values(symbols.v8).filter(Array.isArray).flat(),
);
/** The oldest glibc that a prebuilt addon must run with. */
const GLIBC = [2, 17];

function outputOf(command, args) {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** The dynamic symbols of an ELF file; `where` is UND for its imports. */
function dynamicSymbols(file) {
  const line =
    /^ *\d+: +\w+ +\w+ +\w+ +(?<bind>\w+) +\w+ +(?<where>\w+) (?<name>[^@\s]+)(?:@+(?<version>\w[\w.]*))?/;
  return outputOf('readelf', ['--wide', '--dyn-syms', file])
    .split('\n')
    .map((text) => line.exec(text)?.groups)
    .filter((groups) => groups !== undefined);
}

const imports = (file) =>
  dynamicSymbols(file).filter(({ where }) => where === 'UND');

/** Whether the oldest glibc has this version. Symbols of musl have none. */
function isOld(version) {
  if (version === undefined) return true;
  const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
  const newest = Number(major) === GLIBC[0] && Number(minor) <= GLIBC[1];
  return Number(major) < GLIBC[0] || newest;
}

/** Whether the symbol belongs to Node-API. */
const isOfNode = ({ name }) => /^napi_|^node_api_/.test(name);

/**
 * Takes pairs of a condition and a fault. Returns the faults whose condition is
 * false.
 */
const faultsOf = (checks) =>
  checks.flatMap(([good, fault]) => (good ? [] : [fault]));

/** @returns {string[]} the faults in what a file imports from Node */
function nodeFaults(found) {
  const fromNode = found.filter(isOfNode).map(({ name }) => name);
  return faultsOf([
    [fromNode.length > 0, 'does not use Node-API'],
    ...fromNode.map((name) => [
      NODE_API.has(name),
      `${name} is not in Node-API 8`,
    ]),
  ]);
}

/** The functions of a libc that the oldest glibc has too. */
const functionsOf = (libc) =>
  new Set(
    dynamicSymbols(libc)
      .filter(({ where, version }) => where !== 'UND' && isOld(version))
      .map(({ name }) => name),
  );

/**
 * @returns {string[]} the symbols that a file built here imports from unknown
 *   libraries
 */
const strangeImports = (found) =>
  found
    .filter(({ bind, version }) => bind !== 'WEAK' && !/^GLIBC_/.test(version))
    .filter((symbol) => !isOfNode(symbol))
    .map(({ name }) => `${name} comes neither from Node-API nor from libc`);

/** @returns {string[]} the faults of an addon of a release */
function releaseFaults(file, found) {
  const target = targets.find(({ name }) => name === path.basename(file));
  if (target === undefined) return ['is not a target of a release'];
  const header = outputOf('readelf', ['--wide', '--file-header', file]);
  const dynamic = outputOf('readelf', ['--wide', '--dynamic', file]);
  const wanted = found.filter((symbol) => !isOfNode(symbol));
  const faults = faultsOf([
    [header.includes(target.elf), `is not for ${target.elf}`],
    [!dynamic.includes('NEEDED'), 'needs a library, so it fits only one libc'],
  ]);
  for (const [libc, name] of Object.entries(target.libcs)) {
    if (!fs.existsSync(libc)) {
      faults.push(`cannot be checked without the Debian package ${name}`);
      continue;
    }
    const functions = functionsOf(libc);
    const missing = wanted.filter((symbol) => !functions.has(symbol.name));
    faults.push(
      ...missing.map(
        (symbol) => `${symbol.name} is not in ${libc}, or is too new`,
      ),
    );
  }
  return faults;
}

/** @returns {string[]} the faults in a file's hardening flags */
function hardeningFaults(file) {
  const segments = outputOf('readelf', ['--wide', '--segments', file]);
  const dynamic = outputOf('readelf', ['--wide', '--dynamic', file]);
  return faultsOf([
    [/GNU_STACK .* RW +0/.test(segments), 'has an executable stack'],
    [/GNU_RELRO/.test(segments), 'is not RELRO'],
    [/BIND_NOW|FLAGS_1.* NOW/.test(dynamic), 'is not BIND_NOW'],
    [
      [...dynamic.matchAll(/NEEDED.*\[(.*)\]/g)].every(([, name]) =>
        /^libc\.so(\.6)?$/.test(name),
      ),
      'needs a library other than libc',
    ],
    [!/TEXTREL|RPATH|RUNPATH/.test(dynamic), 'has a TEXTREL or RPATH'],
  ]);
}

/** The judgement of node-addon-api, which needs a symbol table. */
function isAddonOfNodeApi(directory) {
  const tool = require.resolve('node-addon-api/tools/check-napi.js');
  // The tool takes its directory only if another argument follows.
  const output = outputOf(process.execPath, [tool, directory, '-']);
  // The tool ends nm at the first symbol that it looks for, and may report just
  // that.
  return /N-API|SIGTERM/.test(output) && !output.includes('Not N-API');
}

/** These checks do not apply to Mach-O. */
const isElf = (file) =>
  fs.readFileSync(file).toString('latin1', 1, 4) === 'ELF';

function addonsIn(directory) {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.node'))
    .map((name) => path.join(directory, name))
    .filter(isElf);
}

function main() {
  const built = addonsIn(BUILD);
  const addons = [...built, ...addonsIn(PREBUILDS)].map((file) => ({
    file,
    found: imports(file),
    // A copy of the build is there for an install from a Git URL on this machine.
    released: !built.some((other) =>
      fs.readFileSync(other).equals(fs.readFileSync(file)),
    ),
  }));
  if (addons.length === 0) throw new Error('There is no addon to check');
  const faults = addons.flatMap(({ file, found, released }) =>
    [
      ...nodeFaults(found),
      ...hardeningFaults(file),
      ...(released ? releaseFaults(file, found) : strangeImports(found)),
    ].map((fault) => `${path.relative(ROOT, file)} ${fault}`),
  );
  // Either a checkout has the addon of this machine, or a release has all of them.
  if (addons.some(({ released }) => released)) {
    const missing = targets.filter(
      ({ name }) => !addons.some(({ file }) => path.basename(file) === name),
    );
    faults.push(...missing.map(({ name }) => `prebuilds/${name} is missing`));
  }
  if (built.length > 0 && !isAddonOfNodeApi(BUILD)) {
    faults.push('build/Release is not of Node-API for node-addon-api');
  }
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

main();
