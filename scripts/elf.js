'use strict';

// Reads the addons for Linux with readelf, and checks what is the same for each of them.

const { spawnSync } = require('node:child_process');
const { faultsIn } = require('./faults');

function readelf(...args) {
  const { error, status, stdout, stderr } = spawnSync(
    'readelf',
    ['--wide', ...args],
    { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`readelf: ${stderr}`);
  return stdout;
}

/** The dynamic symbols of a file; `where` is UND for its imports. */
function dynamicSymbols(file) {
  const line =
    /^ *\d+: +\w+ +\w+ +\w+ +(?<bind>\w+) +\w+ +(?:\[.*\] +)?(?<where>\w+) (?<name>[^@\s]+)(?:@+(?<version>\w[\w.]*))?/;
  return readelf('--dyn-syms', file)
    .split('\n')
    .map((text) => line.exec(text)?.groups)
    .filter((groups) => groups !== undefined);
}

const importsOf = (file) =>
  dynamicSymbols(file).filter(({ where }) => where === 'UND');

/** @returns {string[]} the faults in a file's hardening flags */
function hardeningFaults(file) {
  const segments = readelf('--segments', file);
  const dynamic = readelf('--dynamic', file);
  return faultsIn([
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

/** @returns {string[]} whether the file is for another machine, or for one libc */
function placeFaults(file, machine) {
  const header = readelf('--file-header', file);
  return faultsIn([
    [header.includes(machine), `is not for ${machine}`],
    [
      !readelf('--dynamic', file).includes('NEEDED'),
      'needs a library, so it fits only one libc',
    ],
  ]);
}

module.exports = { dynamicSymbols, hardeningFaults, importsOf, placeFaults };
