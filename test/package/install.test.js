'use strict';

// `npm run test:pack`: the tarball of a release, installed and used without a compiler
// and a network.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { released } = require('../../scripts/targets');
const {
  GUEST_WRITES,
  NODES,
  ROOT,
  createProject,
  createWorkplace,
  fetchNodes,
  fetchPackages,
  outputOf,
  pack,
} = require('./support');

/** Major versions of npm, and the Node that runs each: npm 12 needs 22 or later. */
const NPMS = { 11: 20, 12: 24 };
const QUIET = '--disable-warning=ExperimentalWarning';

describe('the tarball', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const packageOf = (version) => fetchNodes()[version];
  let tarball;

  /** The environment of a machine that has only Node. */
  function bare(version) {
    const bin = path.join(workplace, `bin-${version}`);
    if (!fs.existsSync(bin)) {
      fs.mkdirSync(bin);
      fs.symlinkSync(
        path.join(packageOf(version), 'bin/node'),
        path.join(bin, 'node'),
      );
    }
    return { PATH: bin, HOME: workplace };
  }

  /** Runs Node of a version in a project. */
  const node = (version, project, args, env = {}) =>
    outputOf('node', args, {
      cwd: project,
      env: { ...bare(version), ...env },
    });

  /** Asserts that a consumer in a project writes natively, by this addon. */
  function assertWrites(
    version,
    project,
    { consumer = 'commonjs.cjs', addon = 'linux-x64.node' } = {},
  ) {
    const output = node(version, project, [QUIET, consumer]);
    const platform = 'linux-x64';
    assert.deepEqual(JSON.parse(output), { ...GUEST_WRITES, platform, addon });
  }

  /** Unpacks the package into a new project, without npm. Returns its directory. */
  function unpack(project) {
    createProject(project);
    const installed = path.join(project, 'node_modules/wasi-writev');
    fs.mkdirSync(installed, { recursive: true });
    outputOf('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
    return installed;
  }

  before(() => {
    tarball = pack(workplace);
    fetchNodes();
  });

  it('has an addon for each target, and no local build', () => {
    const files = outputOf('tar', ['-tzf', tarball]).split('\n');
    assert.deepEqual(
      files
        .filter((file) => /build|\.node$|^package\/(test|binding)/.test(file))
        .sort(),
      released.map(({ name }) => `package/prebuilds/${name}`).sort(),
    );
  });

  it('passes publint', () => {
    outputOf('npx', ['publint', tarball, '--strict'], { cwd: ROOT });
  });

  it('has types that every module resolution finds', () => {
    outputOf('npx', ['attw', tarball], { cwd: ROOT });
  });

  for (const [npm, npmNode] of Object.entries(NPMS)) {
    describe(`installed by npm ${npm}`, () => {
      const project = path.join(workplace, `npm-${npm}`);
      let cli;
      let installOutput;

      before(() => {
        const tools = fetchPackages(path.join(workplace, `tools-${npm}`), [
          `npm@${npm}`,
        ]);
        cli = path.join(tools, 'npm/bin/npm-cli.js');
        createProject(project);
        installOutput = node(npmNode, project, [
          cli,
          'install',
          '--offline',
          // npm 12 runs no scripts by default.
          ...(npm === '11' ? ['--ignore-scripts'] : []),
          tarball,
        ]);
      });

      it('has no dependencies, and no script to allow', () => {
        assert.match(installOutput, /added 1 package/);
        assert.doesNotMatch(installOutput, /script|warn/i);
        assert.deepEqual(
          fs
            .readdirSync(path.join(project, 'node_modules'))
            .filter((name) => !name.startsWith('.')),
          ['wasi-writev'],
        );
      });

      it('is not compiled by npm rebuild', () => {
        node(npmNode, project, [cli, 'rebuild']);
        const installed = path.join(project, 'node_modules/wasi-writev');
        for (const directory of ['build', 'src/build']) {
          assert.ok(!fs.existsSync(path.join(installed, directory)));
        }
      });

      // npm clones the last commit.
      it('is built when installed from a Git URL', function () {
        if (!fs.existsSync(path.join(ROOT, '.git'))) this.skip();
        const fromGit = path.join(workplace, `git-${npm}`);
        createProject(fromGit);
        const nodedir = packageOf(npmNode);
        const url = `git+file://${ROOT}`;
        outputOf('node', [cli, 'install', '--allow-git=root', url], {
          cwd: fromGit,
          env: {
            ...process.env,
            PATH: `${nodedir}/bin${path.delimiter}${process.env.PATH}`,
            npm_config_nodedir: nodedir,
          },
        });
        assertWrites(npmNode, fromGit);
      });

      for (const version of NODES) {
        for (const consumer of ['commonjs.cjs', 'module.mjs']) {
          it(`writes natively for ${consumer} on Node ${version}`, () => {
            assertWrites(version, project, { consumer });
          });
        }

        for (const flag of ['--import', '--require']) {
          it(`is a preload with ${flag} on Node ${version}`, () => {
            const preload = [QUIET, flag, 'wasi-writev/register'];
            assert.equal(
              node(version, project, [...preload, 'preloaded.mjs']),
              'through the preload',
            );
          });
        }

        it(`runs the command on Node ${version}`, () => {
          const output = outputOf(
            path.join(project, 'node_modules/.bin/wasi-writev'),
            ['--env', 'NAME=value', 'toolbox.wasm', 'env'],
            {
              cwd: project,
              env: { ...bare(version), WASI_WRITEV_ENGINE: 'native' },
            },
          );
          assert.equal(output, 'NAME=value\n');
        });
      }
    });
  }

  for (const [manager, packages, add] of [
    ['Yarn 1', ['yarn@1'], ['yarn/bin/yarn.js', 'add', '--offline']],
    ['pnpm', ['pnpm@10'], ['pnpm/bin/pnpm.cjs', 'add', '--offline']],
  ]) {
    it(`is installed by ${manager}, and not compiled`, () => {
      const tools = fetchPackages(path.join(workplace, packages[0]), packages);
      const project = path.join(workplace, `by-${packages[0]}`);
      createProject(project);
      const [script, ...args] = add;
      node(24, project, [path.join(tools, script), ...args, tarball]);
      assertWrites(24, project);
    });
  }

  it('can be built with a compiler, and loads that build', () => {
    const project = path.join(workplace, 'source-build');
    const installed = unpack(project);
    fs.rmSync(path.join(installed, 'prebuilds'), { recursive: true });
    const env = { ...process.env };
    delete env.npm_config_nodedir;
    const version = NODES.at(-1);
    outputOf(
      'npx',
      [
        ...['node-gyp', 'rebuild', '-C', path.join(installed, 'src')],
        ...['--nodedir', packageOf(version)],
      ],
      { cwd: ROOT, env },
    );
    assertWrites(version, project, { addon: 'wasi_writev.node' });
  });
});
