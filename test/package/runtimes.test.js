'use strict';

// Deno and Bun: commands of a user, real programs, and the ends of a guest. Uses the
// package of this checkout.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ERRNO } = require('../../lib/preview1');
const {
  ROOT,
  createProject,
  createWorkplace,
  fetchRuntimes,
  outputOf,
} = require('./support');

const PARTS = ['lib', 'package.json', 'build/Release/wasi_writev.node'];
const MODULES = path.join(ROOT, 'node_modules');
const PROGRAMS = path.join(__dirname, 'runtimes/programs.mjs');
const ENDINGS = path.join(__dirname, 'runtimes/endings.mjs');
const GUEST = path.join(__dirname, 'runtimes/guest.cjs');
const IMPORT_MAP = path.join(__dirname, 'runtimes/import-map.json');
const PRISM = path.join(ROOT, 'test/fixtures/preload/prism.mjs');
const MOCHA = path.join(MODULES, 'mocha/bin/mocha.js');
const PERMISSIONS = ['--allow-read', '--allow-env', '--allow-ffi'];
const LIMIT = 8192; // blocks of 512 bytes: Deno's own files are smaller
const PIPE_CLOSED = 141;

describe('On another runtime', function () {
  this.timeout(120_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');
  let bun;
  let deno;

  before(() => {
    ({ bun, deno } = fetchRuntimes());
    createProject(project);
    const directory = path.join(project, 'node_modules/wasi-writev');
    for (const part of PARTS) {
      fs.cpSync(path.join(ROOT, part), path.join(directory, part), {
        recursive: true,
      });
    }
    const bin = path.join(project, 'node_modules/.bin');
    fs.mkdirSync(bin);
    fs.symlinkSync('../wasi-writev/lib/cli.js', path.join(bin, 'wasi-writev'));
  });

  /** Runs a command. Returns its status and output. */
  function start([program, ...args], options) {
    const { error, signal, status, stderr, stdout } = spawnSync(program, args, {
      cwd: project,
      encoding: 'utf8',
      ...options,
      env: { ...process.env, NO_COLOR: '1', ...options?.env },
    });
    assert.ifError(error);
    return { status: status ?? signal, stdout, stderr };
  }

  const says = (command, stdout) =>
    assert.deepEqual(start(command), { status: 0, stdout, stderr: '' });

  const denoRun = (...args) => [
    deno,
    'run',
    '--no-prompt',
    '--no-lock',
    ...args,
  ];

  const RUNTIMES = {
    Bun: {
      script: () => [bun],
      waits: '(empty pipe|full pipe|full FIFO|clock)$',
      command: () => [bun, 'x', '--bun', '--no-install', 'wasi-writev'],
    },
    Deno: {
      script: () => denoRun('-A'),
      // Deno's fs takes only descriptors that it opened in the same thread, and its
      // terminate() does not end a running thread.
      waits: '(process.exit|main thread).*(FIFO|clock)|in a worker,.*clock',
      command: () => denoRun(...PERMISSIONS, 'npm:wasi-writev'),
    },
  };

  for (const [name, { command, script, waits }] of Object.entries(RUNTIMES)) {
    describe(name, () => {
      const fifo = (file) => {
        const made = path.join(workplace, `${name}-${file}`);
        execFileSync('mkfifo', [made]);
        return made;
      };

      it('programs write the same bytes as on Node', () => {
        const [expected, actual] = [[process.execPath], script()].map(
          ([program, ...args], i) => {
            const directory = path.join(workplace, `${name}-programs-${i}`);
            fs.mkdirSync(directory);
            return outputOf(program, [
              ...[...args, PROGRAMS, ROOT, MODULES, directory],
            ]);
          },
        );
        const { engine, ...told } = JSON.parse(actual);
        assert.equal(engine, 'native');
        assert.deepEqual({ engine, ...told }, JSON.parse(expected));
        for (const { exitCode } of [told.flite, told.esbuild, told.python]) {
          assert.equal(exitCode, 0);
        }
      });

      it('spawn() gives what a tool writes while it runs', () => {
        says([...script(), 'spawn.mjs'], 'through the pipe\n');
      });

      it('a tool ends by kill(), a signal and a timeout, as on Node', () => {
        const [expected, actual] = [[process.execPath], script()].map(
          (program) => {
            const what = [ENDINGS, ROOT, path.join(ROOT, 'test/guests')];
            const { stderr, ...ended } = start([...program, ...what]);
            assert.equal(stderr, '');
            return ended;
          },
        );
        assert.equal(JSON.parse(expected.stdout).next.stdout, 'hi');
        assert.deepEqual(actual, expected);
      });

      it('the command runs a tool', () => {
        says(
          [...command(), '--dir', '.', 'toolbox.wasm', 'say', 'hello'],
          'hello',
        );
        const ended = start([...command(), 'toolbox.wasm', 'exit', '7']);
        assert.deepEqual(ended, { status: 7, stdout: '', stderr: '' });
        const { status, stderr } = start([...command(), 'missing.wasm']);
        assert.equal(status, 2);
        assert.match(stderr, /^wasi-writev: ENOENT: .+'missing\.wasm'\n$/);
      });

      it('the command ends quietly if its reader closes the pipe', () => {
        const pipeline = '{ "$@"; echo "status $?" >&2; } | head -1';
        const tool = ['toolbox.wasm', 'lines', '1000000'];
        const sh = ['sh', '-c', pipeline, 'sh', ...command(), ...tool];
        const { stdout, stderr } = start(sh);
        assert.equal(stdout, 'line 1\n');
        assert.equal(stderr, `status ${PIPE_CLOSED}\n`);
      });

      it('a write to a closed pipe gives PIPE, and the process lives', () => {
        const what = [GUEST, ROOT, 'write to a closed pipe', fifo('closed')];
        says([...script(), ...what], `[${ERRNO.PIPE}]`);
      });

      it('a write past RLIMIT_FSIZE gives FBIG, and the process lives', () => {
        const file = path.join(workplace, `${name}-limited`);
        const what = [GUEST, ROOT, 'write past a limit', file];
        const { stderr, ...ended } = start([
          ...['bash', '-c', `ulimit -f $((${LIMIT} / 2)); exec "$@"`, 'bash'],
          ...[...script(), ...what],
        ]);
        const told = { errno: ERRNO.FBIG, size: LIMIT * 512 };
        const expected = { status: 0, stdout: JSON.stringify(told) };
        assert.deepEqual(ended, expected, stderr);
      });

      it('process.exit() ends a worker with a waiting guest', () => {
        const what = [GUEST, ROOT, 'wait in a worker', fifo('waits')];
        const { stderr, ...ended } = start([...script(), ...what]);
        assert.deepEqual(ended, { status: 7, stdout: '"it waits"' }, stderr);
      });

      it('waits of a guest end', () => {
        const [program, ...args] = script();
        const preload = path.join(__dirname, 'runtimes/deno.cjs');
        const output = outputOf(
          program,
          [
            ...[...args, MOCHA, '--no-config', '--reporter', 'dot'],
            ...(name === 'Deno' ? ['--require', preload] : []),
            ...['--timeout', '60000', '--grep', waits],
            'test/preview1/waits.test.js',
          ],
          { cwd: ROOT },
        );
        assert.match(output, /[123]\d passing/);
      });

      it('a guest fails without the addon', () => {
        const { status, stderr } = start([...script(), 'run.mjs'], {
          env: { WASI_WRITEV_ENGINE: 'fallback' },
        });
        assert.equal(status, 1);
        assert.match(
          stderr,
          /On Deno and Bun a guest needs the addon\. WASI_WRITEV_ENGINE is fallback/,
        );
      });
    });
  }

  describe('Bun', () => {
    it('the preload reaches imports, packages and workers', () => {
      const preload = [bun, '--preload', 'wasi-writev/register'];
      says([...preload, 'preloaded.mjs'], 'through the preload');
      says([...preload, 'preloaded.cjs'], 'through the preload');
      fs.writeFileSync(
        path.join(project, 'worker.mjs'),
        `import { Worker } from 'node:worker_threads';
         const file = new URL('preloaded.mjs', import.meta.url);
         new Worker(file, { preload: ['wasi-writev/register'] });`,
      );
      says([bun, 'worker.mjs'], 'through the preload');
      says([...preload, '--print', 'require("wasi").WASI.name'], 'WASI\n');
      const register = path.join(ROOT, 'lib/register.js');
      const { stdout } = start([bun, '--preload', register, PRISM]);
      assert.equal(stdout, outputOf('node', ['--import', register, PRISM]));
    });
  });

  describe('Deno', () => {
    const REGISTER = './node_modules/wasi-writev/lib/register.js';

    it('the preload reaches require', () => {
      const { status, stdout } = start(
        denoRun('-A', '--require', REGISTER, 'preloaded.cjs'),
      );
      assert.deepEqual([status, stdout], [0, 'through the preload']);
    });

    it('an import map reaches imports', () => {
      fs.copyFileSync(IMPORT_MAP, path.join(project, 'import-map.json'));
      says(
        denoRun('-A', '--import-map', 'import-map.json', 'preloaded.mjs'),
        'through the preload',
      );
    });

    it('needs only to read, two variables, and the addon', () => {
      const least = [
        '--allow-read=.',
        '--allow-env=WASI_WRITEV_ENGINE,WASI_WRITEV_THREAD',
        '--allow-ffi=node_modules/wasi-writev',
      ];
      says(denoRun(...least, 'run.mjs'), 'by run\n');
      says(denoRun(...least, 'spawn.mjs'), 'through the pipe\n');
    });

    it('the command names a file that it may not read', () => {
      const allowed = [
        '--allow-env',
        '--allow-ffi',
        '--allow-read=node_modules',
      ];
      const tool = ['npm:wasi-writev', 'toolbox.wasm'];
      const { status, stderr } = start(denoRun(...allowed, ...tool));
      assert.equal(status, 2);
      assert.match(
        stderr,
        /^wasi-writev: 'toolbox\.wasm': Requires read access/,
      );
    });

    for (const missing of PERMISSIONS) {
      it(`says that ${missing} is missing`, () => {
        const allowed = PERMISSIONS.filter((flag) => flag !== missing);
        const { status, stderr } = start(denoRun(...allowed, 'run.mjs'));
        assert.equal(status, 1);
        assert.ok(
          stderr.includes(`run again with the ${missing} flag`),
          `it said: ${stderr}`,
        );
      });
    }
  });
});
