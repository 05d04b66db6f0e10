'use strict';

// `npm run test:pack`: the tarball of a release in a bundle, in a copy of the files that
// a tracer finds, and in a single executable application. docs/bundling.md says how.
// The tools are those of bundlers/package.json.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { released } = require('../../scripts/targets');
const {
  NODES,
  ROOT,
  createWorkplace,
  fetchNodes,
  outputOf,
  pack,
} = require('./support');

const TOOLBOX = path.join(ROOT, 'test/guests/toolbox.wasm');
const OUTPUT = 'by the guest';
const RESULTS = { run: OUTPUT, runSync: OUTPUT, words: 'wordword' };
const NATIVE = { ...RESULTS, engine: 'native', spawn: OUTPUT, buffered: true };
const FALLBACK = { ...RESULTS, engine: 'fallback', buffered: false };
const NO_THREAD = {
  code: 'ERR_WASI_WRITEV_NO_THREAD',
  message:
    'wasi-writev found no program for a thread. In a bundle, set ' +
    'WASI_WRITEV_THREAD to the path of a bundle of wasi-writev/thread; ' +
    'runSync() needs no thread',
};
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

describe('In a bundle', function () {
  this.timeout(300_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');
  const installed = path.join(project, 'node_modules/wasi-writev');
  // Its name says nothing.
  const addon = path.join(workplace, 'addon.node');

  before(() => {
    fetchNodes();
    fs.cpSync(path.join(__dirname, 'bundlers'), project, {
      recursive: true,
      filter: (file) => path.basename(file) !== 'node_modules',
    });
    outputOf('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: project,
    });
    fs.mkdirSync(installed);
    const tarball = pack(workplace);
    outputOf('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
    fs.copyFileSync(path.join(installed, 'prebuilds/linux-x64.node'), addon);
  });

  /** Bundles, outside of the project, without a warning. Returns the directory. */
  function build(tool, program = 'program.mjs') {
    const directory = path.join(workplace, 'built', program, tool);
    fs.mkdirSync(directory, { recursive: true });
    const { status, stderr } = spawnSync(
      'node',
      ['build.mjs', tool, program, directory],
      { cwd: project, encoding: 'utf8' },
    );
    assert.deepEqual([status, stderr], [0, '']);
    fs.copyFileSync(TOOLBOX, path.join(directory, 'toolbox.wasm'));
    return directory;
  }

  const nodeOf = (version) => path.join(fetchNodes()[version], 'bin/node');

  /** Runs a command where it was built. A bundle in its errors can be one line. */
  function run(directory, [program, ...args]) {
    const { error, ...result } = spawnSync(program, args, {
      cwd: directory,
      encoding: 'utf8',
      env: { HOME: workplace, TMPDIR: workplace },
    });
    assert.ifError(error);
    const end = (text) => text.slice(-2000);
    return { ...result, stderr: end(result.stderr) };
  }

  function assertNative(directory, command, results = NATIVE) {
    const { status, stderr, stdout } = run(directory, command);
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout), results);
  }

  const assertWithoutThread = (directory, command) =>
    assertNative(directory, command, {
      ...NATIVE,
      run: NO_THREAD,
      spawn: NO_THREAD,
    });

  /** One warning, which names nothing that is not there. */
  function assertFallback(directory, command) {
    const { status, stderr, stdout } = run(directory, command);
    assert.equal(status, 0, stderr);
    const { fallbackReason, spawn, ...results } = JSON.parse(stdout);
    assert.deepEqual(results, FALLBACK);
    assert.deepEqual(spawn, {
      code: 'ERR_WASI_WRITEV_NO_NATIVE',
      message: `spawn() needs the addon. ${fallbackReason}`,
    });
    const expected =
      /^wasi-writev found no native build for linux-x64 \(Node-API \d+\)\. In a bundle, set WASI_WRITEV_ENGINE to the path of its \.node file$/;
    assert.match(fallbackReason, expected);
    const [warning, hint, ...rest] = stderr.split('\n');
    assert.equal(
      warning.replace(/^\(\S+\) /, ''),
      `[WASI_WRITEV_NO_NATIVE] Warning: ${fallbackReason}. ` +
        'Without it writes go through node:fs, and there is no sandbox.',
    );
    assert.match(hint, /--trace-warnings/);
    assert.deepEqual(rest, ['']);
  }

  for (const [tool, file] of [
    ['esbuild-cjs', 'program.cjs'],
    ['esbuild-esm', 'program.mjs'],
    ['webpack-cjs', 'program.cjs'],
    ['webpack-esm', 'program.mjs'],
    ['rollup-cjs', 'program.cjs'],
    ['rollup-esm', 'program.mjs'],
    ['vite', 'program.mjs'],
  ]) {
    describe(`of ${tool}`, () => {
      const thread = file.replace('program', 'thread');
      let directory;

      before(() => {
        directory = build(tool);
      });

      for (const version of NODES) {
        it(`the addon and the thread that are named run on Node ${version}`, () => {
          assertNative(directory, [nodeOf(version), file, addon, thread]);
        });

        it(`runSync() needs no thread on Node ${version}, run() says so`, () => {
          assertWithoutThread(directory, [nodeOf(version), file, addon]);
        });

        it(`one warning says what to do on Node ${version}`, () => {
          assertFallback(directory, [nodeOf(version), file]);
        });
      }

      it('files beside the program are the addon and the thread', () => {
        const kind = file === 'program.cjs' ? 'commonjs' : 'module';
        const beside = build(tool, `beside-${kind}.mjs`);
        fs.copyFileSync(addon, path.join(beside, 'linux-x64.node'));
        const program = path.join(beside, file);
        const { stderr, stdout } = run(workplace, [nodeOf(24), program]);
        assert.deepEqual([stdout, stderr], ['native hi', '']);
      });
    });
  }

  for (const tool of ['ncc', 'nft']) {
    describe(`of ${tool}`, () => {
      let directory;

      before(() => {
        directory = build(tool);
      });

      for (const version of NODES) {
        it(`the addon and the thread come along for Node ${version}`, () => {
          assertNative(directory, [nodeOf(version), 'program.mjs']);
        });
      }

      const root = tool === 'ncc' ? '' : 'node_modules/wasi-writev/';

      it('the addons of other platforms do too, and no sources', () => {
        const files = fs.readdirSync(directory, { recursive: true });
        assert.deepEqual(
          files.filter((name) => /\.(node|c|gyp)$/.test(name)).sort(),
          released.map(({ name }) => `${root}prebuilds/${name}`).sort(),
        );
      });

      it('one that was built in the package does too', () => {
        const built = path.join(installed, 'src/build');
        fs.mkdirSync(path.join(built, 'Release'), { recursive: true });
        fs.copyFileSync(addon, path.join(built, 'Release/wasi_writev.node'));
        try {
          build(tool);
        } finally {
          fs.rmSync(built, { recursive: true });
        }
        fs.rmSync(path.join(directory, root, 'prebuilds'), { recursive: true });
        assertNative(directory, [nodeOf(24), 'program.mjs']);
      });
    });
  }

  it('of esbuild in ES modules require() has to be made', () => {
    const directory = build('esbuild-esm-without-require');
    const { status, stderr } = run(directory, [nodeOf(24), 'program.mjs']);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /Error: Dynamic require of "node:\w+" is not supported/,
    );
  });

  describe('in a single executable application', () => {
    const directory = path.join(workplace, 'built/program.mjs/esbuild-cjs');
    const executable = path.join(directory, 'program');

    /** Makes the executable as Node's documentation says. */
    function create(version) {
      const [builds] = NODES.slice(-1); // without another tool
      const blob = path.join(directory, 'program.blob');
      const config = {
        main: 'program.cjs',
        output: version === builds ? executable : blob,
        disableExperimentalSEAWarning: true,
        assets: { 'addon.node': addon, 'thread.cjs': 'thread.cjs' },
      };
      fs.writeFileSync(
        path.join(directory, 'sea.json'),
        JSON.stringify(config),
      );
      const flag =
        version === builds ? '--build-sea' : '--experimental-sea-config';
      outputOf(nodeOf(version), [flag, 'sea.json'], { cwd: directory });
      if (version === builds) return;
      fs.copyFileSync(nodeOf(version), executable);
      const postject = path.join(project, 'node_modules/postject/dist/cli.js');
      const resource = ['NODE_SEA_BLOB', blob, '--sentinel-fuse', FUSE];
      outputOf('node', [postject, executable, ...resource]);
    }

    for (const version of NODES) {
      describe(`of Node ${version}`, () => {
        before(() => create(version));

        it('assets are the addon and the thread, once they are files', () => {
          assertNative(directory, [executable, 'asset']);
        });

        it('files are the addon and the thread', () => {
          assertNative(directory, [executable, addon, 'thread.cjs']);
        });

        it('runSync() needs no thread, run() says so', () => {
          assertWithoutThread(directory, [executable, addon]);
        });

        it('one warning says what to do', () => {
          assertFallback(directory, [executable]);
        });
      });
    }
  });
});
