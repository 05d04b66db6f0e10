'use strict';

// The tarball in each Node: it loads without a warning, also by other loaders than that
// of JavaScript in node_modules.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const {
  NODES,
  createProject,
  createWorkplace,
  fetchNodes,
  fetchPackages,
  outputOf,
  pack,
} = require('./support');

const CLI = 'node_modules/wasi-writev/lib/cli.js';
const TOOL = ['toolbox.wasm', 'say', 'hi'];

const RUN = `
  const { stdout } = await run(tool, { args: ['say', 'hi'], encoding: 'utf8' });
  console.log(engine, stdout);
`;

const START = `
  const { readFileSync } = require('node:fs');
  const wasi = new WASI({
    version: 'preview1',
    args: ['toolbox', 'say', 'hi'],
    preopens: { '/': '.' },
  });
  const module_ = new WebAssembly.Module(readFileSync('toolbox.wasm'));
  wasi.start(new WebAssembly.Instance(module_, wasi.getImportObject()));
`;

const PROGRAMS = {
  'engine.cjs': `require('wasi-writev').engine;`,
  'engine.mjs': `import 'wasi-writev';`,
  'writes.cjs': `require('wasi-writev').createWrites({ fds: { 1: 1 } });`,
  'class.cjs': `const { WASI } = require('wasi-writev');${START}`,
  'preloaded.cjs': `const { WASI } = require('node:wasi');${START}`,
  'run.mjs': `
    import { engine, run } from 'wasi-writev';
    const tool = 'toolbox.wasm';${RUN}`,
  'spawn.cjs': `
    const { engine, spawn } = require('wasi-writev');
    const tool = spawn('toolbox.wasm', { args: ['cat'] });
    tool.stdin.end('hi');
    tool.stdout.on('data', (chunk) => console.log(engine, String(chunk)));
  `,
  'run-sync.cjs': `
    const { engine, runSync } = require('wasi-writev');
    const stdin = 'hi';
    const { stdout } = runSync('toolbox.wasm', { args: ['cat'], stdin });
    console.log(engine, String(stdout));
  `,
  'source.mjs': `
    import source tool from './toolbox.wasm';
    import { WASI, engine, run } from 'wasi-writev';
    ${RUN}
    const args = ['toolbox', 'say', 'by WASI'];
    const wasi = new WASI({ version: 'preview1', args });
    wasi.start(await WebAssembly.instantiate(tool, wasi.getImportObject()));
  `,
  'program.mts': `
    import { engine, run, type RunSource } from 'wasi-writev';
    const tool: RunSource = 'toolbox.wasm';${RUN}`,
};

/** The first things that a user types, and their output. */
const FIRST = {
  require: [['engine.cjs'], ''],
  import: [['engine.mjs'], ''],
  'createWrites()': [['writes.cjs'], ''],
  WASI: [['class.cjs'], 'hi'],
  'run()': [['run.mjs'], 'native hi\n'],
  'spawn()': [['spawn.cjs'], 'native hi\n'],
  'runSync()': [['run-sync.cjs'], 'native hi\n'],
  'the command': [[CLI, '--dir', '.', ...TOOL], 'hi'],
  'the preload by --import': [
    ['--import', 'wasi-writev/register', 'preloaded.cjs'],
    'hi',
  ],
  'the preload by --require': [
    ['--require', 'wasi-writev/register', 'preloaded.cjs'],
    'hi',
  ],
};

// Without variables that silence Node or choose the engine.
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(WASI_WRITEV|NODE|YARN)_/.test(name),
  ),
);

describe('the tarball, loaded', function () {
  this.timeout(300_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');
  let tarball;

  function createPrograms(directory) {
    createProject(directory);
    for (const [name, text] of Object.entries(PROGRAMS)) {
      fs.writeFileSync(path.join(directory, name), text);
    }
  }

  before(() => {
    tarball = pack(workplace);
    fetchNodes();
    createPrograms(project);
    const installed = path.join(project, 'node_modules/wasi-writev');
    fs.mkdirSync(installed, { recursive: true });
    outputOf('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  });

  const nodeOf = (version) => path.join(fetchNodes()[version], 'bin/node');

  /** Runs Node of a version. Returns its status and output. */
  function start(version, args) {
    const { error, signal, status, stderr, stdout } = spawnSync(
      nodeOf(version),
      args,
      { cwd: project, encoding: 'utf8', env: ENVIRONMENT },
    );
    assert.ifError(error);
    return { status: status ?? signal, stdout, stderr };
  }

  for (const version of NODES) {
    for (const [title, [args, stdout]] of Object.entries(FIRST)) {
      it(`prints nothing on stderr for ${title} on Node ${version}`, () => {
        const expected = { status: 0, stdout, stderr: '' };
        assert.deepEqual(start(version, args), expected);
      });
    }
  }

  for (const version of [22, 24, 26]) {
    it(`runs from TypeScript without a build on Node ${version}`, () => {
      // On Node 22 stderr has a warning that this is experimental.
      const { status, stdout, stderr } = start(version, ['program.mts']);
      assert.deepEqual([status, stdout], [0, 'native hi\n'], stderr);
    });
  }

  for (const version of [24, 26]) {
    it(`takes a module of a source phase import on Node ${version}`, () => {
      const { status, stdout, stderr } = start(version, ['source.mjs']);
      assert.deepEqual([status, stdout], [0, 'native hi\nby WASI'], stderr);
    });
  }

  describe("installed by Yarn 4 with Plug'n'Play", () => {
    const withPnP = path.join(workplace, 'with-pnp');
    let yarn;

    const env = {
      ...ENVIRONMENT,
      HOME: workplace,
      YARN_ENABLE_GLOBAL_CACHE: '0',
      YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
      YARN_ENABLE_NETWORK: '0',
      YARN_ENABLE_TELEMETRY: '0',
      YARN_PNP_ENABLE_ESM_LOADER: '1',
    };
    const byYarn = (version, ...args) =>
      outputOf(nodeOf(version), [yarn, ...args], { cwd: withPnP, env });

    before(() => {
      const tools = fetchPackages(path.join(workplace, 'yarn'), [
        '@yarnpkg/cli-dist@4',
      ]);
      yarn = path.join(tools, '@yarnpkg/cli-dist/bin/yarn.js');
      createPrograms(withPnP);
      fs.writeFileSync(path.join(withPnP, 'yarn.lock'), '');
      byYarn(24, 'add', `wasi-writev@file:${tarball}`);
      assert.ok(!fs.existsSync(path.join(withPnP, 'node_modules')));
    });

    for (const version of NODES) {
      it(`runs natively on Node ${version}: import, require, command`, () => {
        assert.equal(byYarn(version, 'node', 'run.mjs'), 'native hi\n');
        assert.equal(byYarn(version, 'node', 'spawn.cjs'), 'native hi\n');
        assert.equal(byYarn(version, 'node', 'run-sync.cjs'), 'native hi\n');
        assert.equal(byYarn(version, 'wasi-writev', ...TOOL), 'hi');
      });

      it(`is a preload on Node ${version}`, () => {
        const args = ['--import', 'wasi-writev/register', 'preloaded.cjs'];
        assert.equal(byYarn(version, 'node', ...args), 'hi');
      });
    }
  });
});
