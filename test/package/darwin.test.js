'use strict';

// The addons for macOS of the tarball, in Node for Linux: mach-o/ loads them and is their
// libSystem. Part of `npm run test:platforms`.
//
// They show that the files are sound and their code works, not that macOS takes them.

const fs = require('node:fs');
const path = require('node:path');
const { include_dir: nodeHeaders } = require('node-api-headers');
const { LEFT_OUT } = require('./mach-o/left-out');
const { emulatedNode, fetchEmulated } = require('./platforms/emulated');
const { assertPasses } = require('./suite');
const { createWorkplace, fetchNodes, outputOf, pack } = require('./support');

const LOADER = path.join(__dirname, 'mach-o');
const CROSS = '/usr/aarch64-linux-gnu';

describe('the addons for macOS', function () {
  this.timeout(1_200_000);

  const workplace = createWorkplace();

  before(() => {
    outputOf('tar', ['-xzf', pack(workplace), '-C', workplace]);
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
      MACH_O: path.join(workplace, `package/prebuilds/darwin-${arch}.node`),
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
      ['sandbox', 'preview1', 'output', 'buffering', 'api', 'spawn'],
      3300,
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
