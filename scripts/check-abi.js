'use strict';

// What the addons ask of the process that loads them: `npm run lint:abi`. Checks
// the build of this checkout, and those in prebuilds/ where there are some.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { symbols } = require('node-api-headers');

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

/** What the name of a prebuilt addon says of it. */
const MACHINES = { x64: 'X86-64', arm64: 'AArch64' };
const LIBCS = { glibc: 'libc.so.6', musl: 'libc.so' };
const RELEASED = Object.keys(MACHINES).flatMap((arch) =>
  Object.keys(LIBCS).map((libc) => `linux-${arch}-${libc}.node`),
);

/** The undefined symbols of an ELF file. */
function imports(file) {
  const line =
    /^ *\d+: +0+ +0 +\w+ +(?<bind>\w+) +\w+ +UND (?<name>[^@\s]+)(?:@(?<version>\w[\w.]*))?/;
  return outputOf('readelf', ['--wide', '--dyn-syms', file])
    .split('\n')
    .map((text) => line.exec(text)?.groups)
    .filter((groups) => groups !== undefined);
}

/** The versions of libraries that it needs, with those that no symbol has. */
function versions(file) {
  const text = outputOf('readelf', ['--wide', '--version-info', file]);
  return [...text.matchAll(/Name: (\S+) +Flags/g)].map(([, name]) => name);
}

/** Whether the oldest glibc has it. GLIBC_ABI_DT_RELR, say, has no number. */
function isOld(version) {
  const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version) ?? [];
  const newest = Number(major) === GLIBC[0] && Number(minor) <= GLIBC[1];
  return Number(major) < GLIBC[0] || newest;
}

/** Of pairs of whether all is well and what is wrong: the latter, where it is. */
const faultsOf = (checks) =>
  checks.flatMap(([good, fault]) => (good ? [] : [fault]));

/** @returns {string[]} what is wrong with the imports of one file */
function importFaults(found, libc) {
  const faults = [];
  const fromNode = found.filter(({ name }) => /^napi_|^node_api_/.test(name));
  if (fromNode.length === 0) faults.push('does not use Node-API');
  for (const { name } of fromNode) {
    if (!NODE_API.has(name)) faults.push(`${name} is not of Node-API 8`);
  }
  for (const { bind, name, version } of found) {
    if (fromNode.some((other) => other.name === name) || bind === 'WEAK') {
      continue;
    }
    if (version === undefined ? !libc.has(name) : !/^GLIBC_/.test(version)) {
      faults.push(`${name} is neither of Node-API nor of libc`);
    }
  }
  return faults;
}

/** @returns {string[]} what is wrong with an addon of a release */
function releaseFaults(file) {
  const [, arch, libc] = path.basename(file, '.node').split('-');
  const header = outputOf('readelf', ['--wide', '--file-header', file]);
  const dynamic = outputOf('readelf', ['--wide', '--dynamic', file]);
  return faultsOf([
    ...versions(file).map((version) => [
      isOld(version),
      `needs ${version}, after ${GLIBC.join('.')}`,
    ]),
    [header.includes(MACHINES[arch]), `is not for ${arch}`],
    [dynamic.includes(`[${LIBCS[libc]}]`), `is not for ${libc}`],
  ]);
}

/** @returns {string[]} what is wrong with how one file is loaded */
function hardeningFaults(file) {
  const segments = outputOf('readelf', ['--wide', '--segments', file]);
  const dynamic = outputOf('readelf', ['--wide', '--dynamic', file]);
  return faultsOf([
    [/GNU_STACK .* RW +0/.test(segments), 'has an executable stack'],
    [/GNU_RELRO/.test(segments), 'is not RELRO'],
    [/BIND_NOW|FLAGS_1.* NOW/.test(dynamic), 'is not BIND_NOW'],
    [
      /NEEDED.*\[libc\.so(\.6)?\]/.test(dynamic) &&
        dynamic.match(/NEEDED/g).length === 1,
      'needs another library than libc',
    ],
    [!/TEXTREL|RPATH|RUNPATH/.test(dynamic), 'has a TEXTREL or RPATH'],
  ]);
}

/** node-addon-api's opinion, which it has of files with a symbol table only. */
function isAddonOfNodeApi(directory) {
  const tool = require.resolve('node-addon-api/tools/check-napi.js');
  // It takes its directory only if another argument follows.
  const output = outputOf(process.execPath, [tool, directory, '-']);
  // On the first symbol that it looks for it ends nm, and may report just that.
  return /N-API|SIGTERM/.test(output) && !output.includes('Not N-API');
}

/** Mach-O has none of what is checked here. */
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
    // A copy of the build is for an install from a Git URL on this machine.
    released: !built.some((other) =>
      fs.readFileSync(other).equals(fs.readFileSync(file)),
    ),
  }));
  if (addons.length === 0) throw new Error('There is no addon to check');
  // musl has no versions. What it must have is what others take from glibc.
  const libc = new Set(
    addons.flatMap(({ found }) =>
      found.filter(({ version }) => version).map(({ name }) => name),
    ),
  );
  const faults = addons.flatMap(({ file, found, released }) =>
    [
      ...importFaults(found, libc),
      ...hardeningFaults(file),
      ...(released ? releaseFaults(file) : []),
    ].map((fault) => `${path.relative(ROOT, file)} ${fault}`),
  );
  // A checkout has that of this machine, or a release has all.
  if (addons.some(({ released }) => released)) {
    const missing = RELEASED.filter(
      (name) => !addons.some(({ file }) => path.basename(file) === name),
    );
    faults.push(...missing.map((name) => `prebuilds/${name} is missing`));
  }
  if (built.length > 0 && !isAddonOfNodeApi(BUILD)) {
    faults.push('build/Release is not of Node-API for node-addon-api');
  }
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

main();
