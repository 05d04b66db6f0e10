'use strict';

// `npm run test:consumers`: the tarball of WASI_WRITEV_TARBALL, installed and used by
// this Node, on any platform. Then the tests of the sandbox, with the addon of the
// tarball.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { released } = require('../../scripts/targets');
const { assertPasses } = require('./suite');
const {
  GUEST_WRITES,
  createProject,
  createWorkplace,
  fetchPackages,
  outputOf,
  pack,
} = require('./support');

const PLATFORM = `${process.platform}-${process.arch}`;
const ADDON = `${PLATFORM}.node`;
const isNative = released.some(({ name }) => name === ADDON);

describe(`the tarball on ${PLATFORM}`, function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');

  const node = (...args) =>
    outputOf(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', ...args],
      { cwd: project },
    );

  before(() => {
    createProject(project);
    fetchPackages(project, [pack(workplace)]);
  });

  for (const consumer of ['commonjs.cjs', 'module.mjs']) {
    it(`writes for ${consumer}`, () => {
      const expected = { ...GUEST_WRITES, platform: PLATFORM };
      if (isNative) expected.addon = ADDON;
      else expected.engine = 'fallback';
      assert.deepEqual(JSON.parse(node(consumer)), expected);
    });
  }

  it('runs a tool', () => {
    assert.equal(node('run.mjs'), 'by run\n');
  });

  it('is a preload', () => {
    const preload = ['--import', 'wasi-writev/register', 'preloaded.mjs'];
    assert.equal(node(...preload), 'through the preload');
  });

  it('has a command', () => {
    const command = 'node_modules/wasi-writev/lib/cli.js';
    assert.equal(
      node(command, '--env', 'NAME=value', 'toolbox.wasm', 'env'),
      'NAME=value\n',
    );
  });

  (isNative ? describe : describe.skip)('with the addon', () => {
    it('runs a tool in a thread', () => {
      assert.equal(node('spawn.mjs'), 'through the pipe\n');
    });

    it('passes the tests of the sandbox', () => {
      const addon = path.join(
        project,
        'node_modules/wasi-writev/prebuilds',
        ADDON,
      );
      assert.ok(fs.existsSync(addon));
      return assertPasses(
        {
          command: [process.execPath],
          env: { WASI_WRITEV_ENGINE: addon },
          // They make programs in C, or run on Linux alone.
          leftOut: {
            files: ['sandbox/core.test.js', 'sandbox/no-openat2.test.js'],
          },
          results: path.join(workplace, 'sandbox.json'),
        },
        ['sandbox'],
        200,
      );
    });
  });
});
