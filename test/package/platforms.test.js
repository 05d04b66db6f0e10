'use strict';

// `npm run test:platforms`: each addon for Linux in processes of its machine and libc.
// Runs on Debian 12 on x64, and needs what scripts/install-packages installs.

const assert = require('node:assert/strict');
const path = require('node:path');
const { targets } = require('../../scripts/targets');
const {
  MACHINES,
  emulatedNode,
  fetchEmulated,
} = require('./platforms/emulated');
const { LEFT_OUT } = require('./platforms/left-out');
const { fetchForMusl, muslBun, muslNode } = require('./platforms/musl');
const { assertPasses } = require('./suite');
const {
  GUEST_WRITES,
  WRITES,
  createProject,
  createWorkplace,
  fetchPackages,
  needTools,
  outputOf,
  pack,
} = require('./support');

const SHORT = [
  'output/opened-files.test.js',
  'output/stats.test.js',
  'preview1/memory.test.js',
  'sandbox/escapes.test.js',
];
/** The tests for each machine, and how many pass at the least. */
const SUITES = {
  // The only one with 32 bits.
  arm: [[...SHORT, 'preview1/right-values.test.js'], 200],
  arm64: [SHORT, 200],
  ppc64: [SHORT, 200],
  riscv64: [SHORT, 200],
  // The only one that is big-endian.
  s390x: [
    [
      ...SHORT,
      'buffering/visibility.test.js',
      'output/function.test.js',
      'output/writable.test.js',
      'preview1/checks.test.js',
      'preview1/right-values.test.js',
      'sandbox/inside.test.js',
    ],
    800,
  ],
};
const FOR_MUSL = [
  'api/run.test.js',
  'buffering',
  'output',
  'preview1',
  'programs',
  'sandbox',
  'spawn',
];

describe('the addons', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');
  const prebuilds = path.join(project, 'node_modules/wasi-writev/prebuilds');

  before(() => {
    needTools(
      'clang',
      'ld.lld',
      ...Object.values(MACHINES).map(({ qemu }) => qemu),
    );
    const tarball = pack(workplace);
    createProject(project);
    fetchPackages(project, [tarball]);
    // Users build these from the sources.
    for (const { build, isReleased, name } of targets) {
      if (!isReleased) build(path.join(prebuilds, name));
    }
  });

  /** Asserts the output of a consumer, and that its addon is for `platform`. */
  function assertWrites(platform, { command, env }, consumer, expected) {
    const [program, ...args] = command;
    const output = outputOf(program, [...args, consumer], {
      cwd: project,
      env: { ...process.env, ...env },
    });
    assert.deepEqual(JSON.parse(output), {
      ...expected,
      platform,
      addon: `${platform}.node`,
    });
  }

  /** Asserts that tests of this checkout pass with an addon of the package. */
  function assertSuite(platform, { command, env }, leftOut, tests, least) {
    const addon = path.join(prebuilds, `${platform}.node`);
    return assertPasses(
      {
        command,
        env: { ...env, WASI_WRITEV_ENGINE: addon },
        leftOut,
        results: path.join(workplace, 'results.json'),
      },
      tests,
      least,
    );
  }

  describe('on another machine', () => {
    const directory = path.join(workplace, 'emulated');
    const nodes = {};
    const nodeOf = (machine) =>
      (nodes[machine] ??= emulatedNode(machine, directory));

    before(() => fetchEmulated(directory));

    for (const machine of Object.keys(MACHINES)) {
      const platform = `linux-${machine}`;

      it(`write on ${machine}`, () => {
        for (const consumer of ['commonjs.cjs', 'module.mjs']) {
          assertWrites(platform, nodeOf(machine), consumer, GUEST_WRITES);
        }
      });

      it(`pass tests on ${machine}`, () => {
        const [tests, least] = SUITES[machine];
        const node = nodeOf(machine);
        return assertSuite(platform, node, LEFT_OUT[machine], tests, least);
      });
    }
  });

  describe('with musl', () => {
    const directory = path.join(workplace, 'musl');
    let node;

    before(() => {
      fetchForMusl(directory);
      node = muslNode(directory);
    });

    it('write in Node', () => {
      for (const consumer of ['commonjs.cjs', 'module.mjs']) {
        assertWrites('linux-x64', node, consumer, GUEST_WRITES);
      }
    });

    for (const arch of ['x64', 'arm64']) {
      it(`write in Bun on ${arch}`, () => {
        const bun = muslBun(arch, directory);
        assertWrites(`linux-${arch}`, bun, 'writes.cjs', WRITES);
      });
    }

    it('pass the tests in Node', () =>
      assertSuite('linux-x64', node, LEFT_OUT.musl, FOR_MUSL, 2500));
  });
});
