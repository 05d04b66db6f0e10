'use strict';

// The preload replaces every WASI of node:wasi in a process.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { engine } = require('../..');
const { itNative } = require('../helpers/buffering');
const { copyPackage, installPackage } = require('../helpers/copy');
const { guestPath } = require('../helpers/guest-path');
const { fill, useHostFiles } = require('../helpers/host-files');

const SCRIPTS = path.join(__dirname, '..', 'fixtures', 'preload');
const REGISTER = 'wasi-writev/register';
const FLAGS = ['--import', '--require'];

// Without variables of ours from outside.
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(WASI_WRITEV_(?!ENGINE)|NODE_)/.test(name),
  ),
);

describe('the preload', () => {
  const dir = useHostFiles();

  // A project that depends on this package.
  beforeEach(() => installPackage(dir.path('')));

  /**
   * Runs `node FLAGS fixtures/preload/SCRIPT ARGS`. `told` is its output on fd 3.
   */
  function node(flags, script, args = [], env = {}) {
    const tell = dir.open('told', 'w');
    const child = spawnSync(
      process.execPath,
      ['--no-warnings', ...flags, path.resolve(SCRIPTS, script), ...args],
      {
        cwd: dir.path(''),
        encoding: 'utf8',
        env: { ...ENVIRONMENT, NODE_NO_WARNINGS: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe', tell],
      },
    );
    assert.ifError(child.error);
    dir.close(tell);
    const { pid, status, stderr, stdout } = child;
    return { pid, status, stderr, stdout, told: dir.read('told') };
  }

  /** The JSON that a script prints, if it succeeds. */
  function result(...values) {
    const { status, stderr, stdout } = node(...values);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  describe('replaces the WASI of Node', () => {
    const ALL = [
      'an import of a name',
      'an import of the default',
      'an import of all',
      'a dynamic import',
      'require of wasi',
      'require of node:wasi',
      'a worker with import',
      'a worker with require',
      'a worker with an environment of its own',
      'a worker with flags of its own',
      'a worker that is given as text',
      'a worker of a worker',
      'process.getBuiltinModule of wasi',
      'process.getBuiltinModule of node:wasi',
    ].filter((way) => process.getBuiltinModule || !way.includes('Builtin'));

    // Node runs no preload for these.
    const NOT_TEXT = 'a worker that is given as text';
    const NOT_FLAGS = 'a worker with flags of its own';
    const NOT_ENV = 'a worker with an environment of its own';

    for (const [title, flags, NODE_OPTIONS, without] of [
      ['without it', [], '', ALL],
      ['--import', ['--import', REGISTER], '', [NOT_TEXT, NOT_FLAGS]],
      ['--require', ['--require', REGISTER], '', [NOT_FLAGS]],
      [
        '--import in NODE_OPTIONS',
        [],
        `--import ${REGISTER}`,
        [NOT_TEXT, NOT_ENV],
      ],
      ['--require in NODE_OPTIONS', [], `--require=${REGISTER}`, [NOT_ENV]],
      [
        'both of them',
        ['--import', REGISTER, '--require', REGISTER],
        '',
        [NOT_FLAGS],
      ],
    ]) {
      it(`${title}: but not in ${without.join(', ') || 'none'}`, () => {
        const ways = result(flags, 'ways.mjs', [], { NODE_OPTIONS });
        assert.deepEqual(Object.keys(ways).sort(), [...ALL].sort());
        const missing = ALL.filter((way) => !ways[way]);
        assert.deepEqual(missing.sort(), [...without].sort());
      });
    }

    it("and refuses the same options as Node's", () => {
      const script = dir.path('refuse.cjs');
      dir.write(
        'refuse.cjs',
        `
        const { WASI } = require('node:wasi');
        const told = [undefined, null, 1, {}, { version: 'preview0' }].map(
          (options) => {
            try {
              return new WASI(options);
            } catch ({ code, message }) {
              return [code, message];
            }
          });
        told.push(WASI.name, WASI.length);
        process.stdout.write(JSON.stringify(told));
      `,
      );
      const own = result(['--require', REGISTER], script);
      const nodes = result([], script);
      // The number of parameters is no part of it, and a hint may follow.
      const begins = nodes
        .slice(0, -1)
        .map((node, i) =>
          Array.isArray(node)
            ? [own[i][0], own[i][1].slice(0, node[1].length)]
            : own[i],
        );
      assert.deepEqual(begins, nodes.slice(0, -1));
      assert.ok(own.slice(0, 5).every(([code]) => /^ERR_/.test(code)));
    });
  });

  it('takes options that are inherited', () => {
    const script = dir.path('inherited.cjs');
    dir.write(
      'inherited.cjs',
      `
      const { WASI } = require('node:wasi');
      class Options {
        get version() { return 'preview1'; }
        get stdout() { return 'capture'; }
      }
      const { stdout } = new WASI(new Options());
      process.stdout.write(JSON.stringify(stdout.length));
    `,
    );
    assert.equal(result(['--require', REGISTER], script), 0);
  });

  it('serves another copy of the package', () => {
    const script = dir.path('copy.cjs');
    dir.write(
      'copy.cjs',
      `
      const fs = require('node:fs');
      const { WASI, runSync } = require(process.argv[2]);
      const { WASI: preloaded } = require('node:wasi');
      if (WASI === preloaded) throw new Error('not another copy');
      const args = ['write', '/file', 'text'];
      const options = { args, preopens: { '/': process.argv[3] } };
      const { exitCode } = runSync(process.argv[4], options);
      const { stdout } = runSync(process.argv[4], { args: ['say', 'hi'] });
      process.stdout.write(JSON.stringify({ exitCode, stdout: String(stdout) }));
    `,
    );
    const args = [copyPackage(), dir.path(''), guestPath('toolbox')];
    assert.deepEqual(result(['--require', REGISTER], script, args), {
      exitCode: 0,
      stdout: 'hi',
    });
    assert.equal(dir.read('file'), 'text');
  });

  describe('takes options from the environment', () => {
    /** How three lines arrive under a preload with these variables. */
    function lines(env, task, flag = '--import') {
      const values = {
        file: guestPath('toolbox'),
        args: ['lines', '3'],
        stdout: 'chunks',
        ...task,
      };
      const args = [JSON.stringify(values)];
      return result([flag, REGISTER], 'tool.mjs', args, env);
    }

    const chunks = (env, task, flag) => lines(env, task, flag).chunks.length;

    // The fallback has no buffer.
    const JOINED = engine === 'native' ? 1 : 3;
    const BUFFERED = engine === 'native' ? 3 : 0;

    for (const flag of FLAGS) {
      for (const [value, count] of [
        ['true', JOINED],
        ['false', 3],
        ['auto', 3],
        ['', 3],
      ]) {
        it(`WASI_WRITEV_BUFFERED=${value}, by ${flag}`, () => {
          const env = { WASI_WRITEV_BUFFERED: value };
          assert.equal(chunks(env, {}, flag), count);
        });
      }
    }

    for (const [value, buffered] of [
      ['true', BUFFERED],
      ['false', 0],
      ['auto', BUFFERED],
      ['', 0],
    ]) {
      it(`WASI_WRITEV_BUFFERED=${value} holds ${buffered} back for a file`, () => {
        dir.write('out', '');
        const env = { WASI_WRITEV_BUFFERED: value };
        const { stats } = lines(env, { stdout: dir.path('out') });
        assert.deepEqual([stats.calls, stats.buffered], [3, buffered]);
        assert.equal(dir.read('out'), 'line 1\nline 2\nline 3\n');
      });
    }

    itNative('WASI_WRITEV_BUFFER_SIZE', () => {
      const env = { WASI_WRITEV_BUFFERED: 'true', WASI_WRITEV_BUFFER_SIZE: 14 };
      assert.equal(chunks(env), 2);
    });

    it('WASI_WRITEV_CAPTURE_LIMIT', () => {
      const env = { WASI_WRITEV_CAPTURE_LIMIT: '7' };
      const { exitCode, stdout } = lines(env, { stdout: 'capture' });
      assert.deepEqual([exitCode, stdout], [1, 'line 1\n']);
    });

    it('WASI_WRITEV_WAIT_TIMEOUT', () => {
      fill(dir.pipe({ blocking: false }).filler);
      for (const WASI_WRITEV_WAIT_TIMEOUT of ['0', '20']) {
        const { exitCode, stderr } = lines(
          { WASI_WRITEV_WAIT_TIMEOUT },
          { stdout: dir.path('pipe') },
        );
        assert.equal(exitCode, 1);
        assert.equal(stderr, 'lines: Resource temporarily unavailable\n');
      }
    });

    it('WASI_WRITEV_WAIT_TIMEOUT=Infinity', () => {
      assert.equal(chunks({ WASI_WRITEV_WAIT_TIMEOUT: 'Infinity' }), 3);
    });

    it('in workers too', () => {
      const env = { WASI_WRITEV_BUFFERED: 'true' };
      assert.equal(chunks(env, { inWorker: true }), JOINED);
    });

    it('after those that the program gives', () => {
      const env = { WASI_WRITEV_BUFFERED: 'true' };
      assert.equal(chunks(env, { options: { buffered: false } }), 3);
    });

    it('for node:wasi alone, not for this package', () => {
      assert.equal(chunks({ WASI_WRITEV_BUFFERED: 'true' }, { ours: true }), 3);
    });

    for (const [name, values] of Object.entries({
      BUFFERED: ['maybe', 'TRUE', '1', 'toString'],
      BUFFER_SIZE: ['many', '64k'],
      CAPTURE_LIMIT: ['1GB'],
      WAIT_TIMEOUT: ['1s', 'never'],
    })) {
      for (const value of values) {
        it(`but not WASI_WRITEV_${name}=${value}`, () => {
          const variable = `WASI_WRITEV_${name}`;
          for (const flag of FLAGS) {
            const { status, stderr, stdout } = node(
              [flag, REGISTER],
              'ways.mjs',
              [],
              { [variable]: value },
            );
            assert.deepEqual([status, stdout], [1, '']);
            assert.match(stderr, /TypeError \[ERR_INVALID_ARG_VALUE\]/);
            assert.ok(stderr.includes(`${variable} `), stderr);
            assert.ok(stderr.includes(`'${value}'`), stderr);
          }
        });
      }
    }

    for (const [name, option, value] of [
      ['BUFFER_SIZE', 'bufferSize', '0'],
      ['BUFFER_SIZE', 'bufferSize', '1.5'],
      ['CAPTURE_LIMIT', 'captureLimit', '-1'],
      ['WAIT_TIMEOUT', 'waitTimeout', '-1'],
      ['WAIT_TIMEOUT', 'waitTimeout', '2147483648'],
    ]) {
      it(`but not WASI_WRITEV_${name}=${value}, which is out of range`, () => {
        const task = { file: guestPath('toolbox'), args: [], stdout: 'chunks' };
        const { status, stderr, stdout } = node(
          ['--import', REGISTER],
          'tool.mjs',
          [JSON.stringify(task)],
          { [`WASI_WRITEV_${name}`]: value },
        );
        assert.deepEqual([status, stdout], [1, '']);
        assert.match(stderr, /RangeError \[ERR_OUT_OF_RANGE\]/);
        assert.ok(stderr.includes(option), stderr);
      });
    }
  });

  describe('runs packages unchanged', () => {
    const TRACE = { NODE_DEBUG: 'wasi-writev' };

    /** Splits stderr into the lines of NODE_DEBUG and the rest. */
    function split({ pid, stderr }) {
      const prefix = `WASI-WRITEV ${pid}: `;
      const lines = stderr.split(/(?<=\n)/);
      const isTrace = (line) => line.startsWith(prefix);
      return {
        trace: lines.filter(isTrace).map((line) => line.slice(prefix.length)),
        rest: lines.filter((line) => !isTrace(line)).join(''),
      };
    }

    for (const flag of FLAGS) {
      const preload = [flag, REGISTER];

      describe(`by ${flag}`, () => {
        it('snappy, a binding of napi-rs with threads', function () {
          // Under node:wasi alone 2 of 120 runs on a busy machine ended with a
          // trap in a thread: memory access out of bounds.
          this.retries(2);
          const env = { NAPI_RS_FORCE_WASI: 'error' };
          const { refused, trips } = result(
            preload,
            'snappy.mjs',
            ['sound'],
            env,
          );
          assert.match(refused, /^snappy: corrupt input/);
          const good = { smaller: true, sameHere: true, back: true };
          assert.deepEqual(trips, Array(12).fill(good));
        });

        it('snappy, whose panic is written by us', () => {
          const env = { NAPI_RS_FORCE_WASI: 'error', ...TRACE };
          const child = node(preload, 'snappy.mjs', ['here'], env);
          const { rest, trace } = split(child);
          assert.equal(child.status, 0, child.stderr);
          assert.deepEqual(JSON.parse(child.stdout), {
            thrown: 'RuntimeError',
          });
          assert.match(rest, /panicked at .*\ncapacity overflow\n/);
          const counts = trace.map((line) => {
            const [, count] =
              /^fd_write fd=2 iovs=\d+ nwritten=(\d+) errno=SUCCESS\n$/.exec(
                line,
              );
            return Number(count);
          });
          const bytes = counts.reduce((sum, count) => sum + count, 0);
          assert.equal(bytes, Buffer.byteLength(rest));
        });

        it('snappy, also in its threads', () => {
          const tell = path.join(SCRIPTS, 'tell-writes.js');
          // One thread: Node 20 may abort while another one starts.
          const { status, stderr, told } = node(
            [
              ...[...preload, flag],
              flag === '--import' ? pathToFileURL(tell).href : tell,
            ],
            'snappy.mjs',
            ['in a thread'],
            { NAPI_RS_ASYNC_WORK_POOL_SIZE: '1', NAPI_RS_FORCE_WASI: 'error' },
          );
          // An error in a thread of a binding ends the process.
          assert.equal(status, 1);
          assert.match(stderr, /panicked at .*\ncapacity overflow\n/);
          const writes = told.split('\n').slice(0, -1);
          assert.ok(writes.length > 0);
          for (const write of writes) {
            assert.match(write, /^[1-9]\d* 2 \d+ SUCCESS$/);
          }
        });

        it("@ruby/prism, Ruby's parser", () => {
          assert.deepEqual(result(preload, 'prism.mjs'), {
            node: 'DefNode',
            name: 'double',
            errors: [false, true],
          });
        });

        it('@ruby/prism, whose WASI is ours', () => {
          // It writes nothing, but rejects what our options reject.
          const env = { WASI_WRITEV_BUFFER_SIZE: '0' };
          const { status, stderr } = node(preload, 'prism.mjs', [], env);
          assert.equal(status, 1);
          assert.match(stderr, /ERR_OUT_OF_RANGE[^]*at loadPrism/);
        });

        it('@extism/extism, with output and a file of a plugin', () => {
          const args = [guestPath('plugin'), dir.path('')];
          const child = node(preload, 'extism.mjs', args, TRACE);
          const { rest, trace } = split(child);
          assert.deepEqual([child.status, rest], [0, '']);
          assert.equal(child.stdout, 'from a plugin\n');
          assert.equal(dir.read('saved.txt'), 'from a plugin\n');
          // Extism first starts an instance of its own, which writes nothing.
          const calls = trace.filter((line) => line.startsWith('fd_'));
          assert.deepEqual(calls, [
            'fd_write fd=1 iovs=1 nwritten=14 errno=SUCCESS\n',
            'fd_write fd=4 iovs=1 nwritten=14 errno=SUCCESS\n',
          ]);
        });
      });
    }
  });
});
