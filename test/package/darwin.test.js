'use strict';

// The addons for macOS of the tarball, in Node for Linux: mach-o/ loads them and is their
// libSystem. Part of `npm run test:platforms`.
//
// They show that the files are sound and their code works, not that macOS takes them.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { include_dir: nodeHeaders } = require('node-api-headers');
const { MACHINES, symbolsOfLibrary } = require('../../scripts/check-darwin');
const { FLAT_LOOKUP, readMachO } = require('../../scripts/mach-o');
const { LEFT_OUT } = require('./mach-o/left-out');
const { emulatedNode, fetchEmulated } = require('./platforms/emulated');
const { assertPasses } = require('./suite');
const {
  createWorkplace,
  fetchNodes,
  needTools,
  outputOf,
  pack,
} = require('./support');

const LOADER = path.join(__dirname, 'mach-o');
const CROSS = '/usr/aarch64-linux-gnu';

describe('the addons for macOS', function () {
  this.timeout(1_200_000);

  const workplace = createWorkplace();

  before(() => {
    needTools('clang', 'ld.lld', 'qemu-aarch64');
    outputOf('tar', ['-xzf', pack(workplace), '-C', workplace]);
  });

  const addonFor = (arch) =>
    path.join(workplace, `package/prebuilds/darwin-${arch}.node`);

  it('import all that the list of libSystem has', () => {
    for (const arch of Object.keys(MACHINES)) {
      const { binds } = readMachO(fs.readFileSync(addonFor(arch)));
      const imports = binds
        .filter(({ library }) => library !== FLAT_LOOKUP)
        .map(({ name }) => name);
      assert.deepEqual(
        [...new Set(imports)].sort(),
        [...symbolsOfLibrary(arch)].sort(),
      );
    }
  });

  /** Builds the loader. Returns variables by which the tests take it. */
  function loaderFor(arch, compiler) {
    const loader = path.join(workplace, `loader-${arch}.node`);
    const sources = fs
      .readdirSync(LOADER)
      .filter((name) => name.endsWith('.c'))
      .map((name) => path.join(LOADER, name));
    outputOf('clang', [
      ...compiler,
      ...['-std=c11', '-O1', '-Wall', '-Wextra', '-Wshadow', '-Werror'],
      ...['-fPIC', '-shared', '-nostdlib', '-fuse-ld=lld'],
      // Node unloads an addon at the end of a worker.
      '-Wl,-z,nodelete',
      ...['-isystem', nodeHeaders, '-DNAPI_VERSION=8'],
      ...sources,
      ...['-o', loader],
    ]);
    return {
      MACH_O: addonFor(arch),
      WASI_WRITEV_ENGINE: loader,
    };
  }

  it('pass most tests on x64', () =>
    assertPasses(
      {
        command: [
          path.join(fetchNodes()[24], 'bin/node'),
          '--disable-warning=ExperimentalWarning',
        ],
        leftOut: LEFT_OUT,
        env: loaderFor('x64', []),
        results: path.join(workplace, 'x64.json'),
      },
      ['sandbox', 'preview1', 'output', 'buffering', 'spawn'],
      2600,
    ));

  it('pass some tests on arm64', () => {
    const programs = path.join(workplace, 'programs');
    fetchEmulated(programs, ['arm64']);
    const { command, env } = emulatedNode('arm64', programs);
    return assertPasses(
      {
        command: [...command, '--disable-warning=ExperimentalWarning'],
        env: {
          ...env,
          ...loaderFor('arm64', [
            ...['--target=aarch64-linux-gnu', '-nostdlibinc'],
            ...['-isystem', `${CROSS}/include`],
          ]),
        },
        results: path.join(workplace, 'arm64.json'),
      },
      [
        'preview1/checks.test.js',
        'preview1/many-files.test.js',
        'preview1/memory.test.js',
        'output/opened-files.test.js',
        'output/opened-rights.test.js',
        'output/pwrite.test.js',
        'sandbox/escapes.test.js',
        'sandbox/inside.test.js',
      ],
      600,
    );
  });
});
