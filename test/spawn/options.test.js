'use strict';

// What spawn() and run() take, and what they refuse.

const assert = require('node:assert/strict');
const { text } = require('node:stream/consumers');
const { run, spawn } = require('../..');
const { describeNative } = require('../helpers/buffering');
const { itWithProc, sumOfDescriptors } = require('../helpers/descriptors');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { resultInChild } = require('../helpers/in-child');
const { resultOf } = require('../helpers/run-results');
const { useTempDir } = require('../helpers/temp');
const { streams, toolbox } = require('../helpers/tools');

const TOOLBOX = guestPath('toolbox');
const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';
const RANGE = 'ERR_OUT_OF_RANGE';

const fails = () => {
  throw new Error('of the getter');
};

/** Of an option of which each look gives another value. */
const lies = (name, ...values) => ({
  get [name]() {
    return values.length > 1 ? values.shift() : values[0];
  },
});

// Each with the words that the message has.
const REFUSED = [
  ['no object', TYPE, 1, 'options'],
  ['null', TYPE, null, 'options'],
  ['an unknown option', VALUE, { shell: true }, 'options.shell'],
  ['imports', VALUE, { imports: {} }, 'options.imports'],
  ['a NUL in args', VALUE, { args: ['a\0b'] }, 'options.args'],
  ['args that are text', TYPE, { args: 'one' }, 'options.args'],
  ['a NUL in env', VALUE, { env: { A: '\0' } }, 'options.env'],
  ['env that is a number', TYPE, { env: 5 }, 'options.env'],
  ['env that is an array', TYPE, { env: [] }, 'options.env'],
  ['preopens that are text', TYPE, { preopens: '/' }, 'options.preopens'],
  ['a preopen without a name', VALUE, { preopens: { '': '.' } }, 'preopens'],
  ['a NUL in preopens', VALUE, { preopens: { a: '\0' } }, 'options.preopens'],
  ['a signal that is none', TYPE, { signal: {} }, 'options.signal'],
  ['a signal null', TYPE, { signal: null }, 'options.signal'],
  ['a timeout below 0', RANGE, { timeout: -1 }, 'options.timeout'],
  ['a timeout no timer has', RANGE, { timeout: 2 ** 31 }, 'options.timeout'],
  ['a timeout of text', TYPE, { timeout: '1s' }, 'options.timeout'],
  ['a part of a byte', RANGE, { maxBuffer: 1.5 }, 'options.maxBuffer'],
  ['no number of bytes', TYPE, { maxBuffer: 1n }, 'options.maxBuffer'],
  ['no time for force', TYPE, { forceKillAfterDelay: false }, 'forceKill'],
  ['no time at all', RANGE, { forceKillAfterDelay: NaN }, 'forceKill'],
  ['an encoding', VALUE, { encoding: 'utf9' }, 'options.encoding'],
  ['no descriptor as stdin', RANGE, { stdin: -1 }, 'options.stdin'],
  ['half a descriptor', RANGE, { stdout: 1.5 }, 'options.stdout'],
  ['a large descriptor', RANGE, { stderr: 2 ** 31 }, 'options.stderr'],
  ['stdin null', TYPE, { stdin: null }, 'options.stdin'],
  ['stdin of 16 bits', TYPE, { stdin: new Uint16Array(1) }, 'options.stdin'],
  ['stdin without members', TYPE, { stdin: Object.create(null) }, 'stdin'],
  ['a stdout by name', TYPE, { stdout: 'captured' }, 'options.stdout'],
  ['stdout null', TYPE, { stdout: null }, 'options.stdout'],
  ['a Readable as stdout', TYPE, { stdout: { pipe() {} } }, 'options.stdout'],
  ['stderr true', TYPE, { stderr: true }, 'options.stderr'],
];

describeNative('spawn() and run()', () => {
  const dir = useTempDir();

  for (const [title, code, options, words] of REFUSED) {
    itWithProc(`refuse ${title}, and open nothing`, async () => {
      const before = sumOfDescriptors();
      const isIt = (error) => {
        assert.equal(error.code, code, error.stack);
        assert.ok(error.message.includes(words), error.message);
        return true;
      };
      assert.throws(() => spawn(TOOLBOX, options), isIt);
      assert.equal(sumOfDescriptors(), before);
      await assert.rejects(run(TOOLBOX, options), isIt);
      assert.equal(sumOfDescriptors(), before);
    });
  }

  it('name runSync() where imports are refused', () => {
    assert.throws(() => spawn(TOOLBOX, { imports: {} }), /runSync\(\)/);
  });

  for (const name of ['stdin', 'stdout', 'stderr']) {
    itWithProc(
      `run() refuses a pipe as ${name}: it has no streams`,
      async () => {
        const before = sumOfDescriptors();
        for (const options of [
          { [name]: 'pipe' },
          lies(name, 'pipe', 'ignore'),
        ]) {
          await assert.rejects(run(TOOLBOX, options), {
            code: VALUE,
            message: new RegExp(`^options\\.${name} .*spawn\\(\\)`),
          });
        }
        assert.equal(sumOfDescriptors(), before);
      },
    );
  }

  it('hand on what a getter and a conversion throw', async () => {
    for (const options of [
      {
        get timeout() {
          return fails();
        },
      },
      { args: [{ toString: fails }] },
      { env: { A: { toString: fails } } },
      new Proxy({}, { ownKeys: fails }),
    ]) {
      assert.throws(() => spawn(TOOLBOX, options), /of the getter/);
      await assert.rejects(run(TOOLBOX, options), /of the getter/);
    }
  });

  it('take args and env as text, as Node does', async () => {
    const env = { NUMBER: 1, NOTHING: null, LEFT: undefined, YES: true };
    const options = { args: ['env'], env, encoding: 'utf8' };
    const { stdout } = await run(TOOLBOX, options);
    assert.equal(stdout, 'NUMBER=1\nNOTHING=null\nYES=true\n');
    const { stdout: args } = await run(TOOLBOX, {
      args: ['args', 1, null, Symbol('s')],
      encoding: 'utf8',
    });
    assert.equal(args, 'toolbox.wasm\nargs\n1\nnull\nSymbol(s)\n');
  });

  it('take their options as they are when they are called', async () => {
    const stdin = Buffer.from('before');
    const options = {
      args: ['cat'],
      stdin,
      stdout: 'capture',
      encoding: 'utf8',
    };
    const tool = spawn(TOOLBOX, options);
    stdin.fill('x');
    Object.assign(options, { args: ['exit', '1'], encoding: 'no such' });
    options.args.push('more');
    assert.equal((await tool).stdout, 'before');
  });

  it('take paths from the working directory when they are called', () => {
    const result = resultInChild(
      async (directory) => {
        process.chdir('../guests');
        const { run } = require('../..');
        const options = {
          args: ['preopens'],
          preopens: { '/': '.' },
          encoding: 'utf8',
        };
        // No thread of libuv is left to open the file at once.
        const busy = Array.from({ length: 8 }, () =>
          require('node:util').promisify(require('node:crypto').pbkdf2)(
            'a',
            'b',
            20_000,
            64,
            'sha512',
          ),
        );
        const done = run('toolbox.wasm', options);
        const read = run('toolbox.wasm', {
          ...options,
          args: ['read', '/toolbox.c'],
        });
        process.chdir(directory);
        await Promise.all(busy);
        const { exitCode } = await read;
        return { stdout: (await done).stdout, exitCode };
      },
      [dir.path('')],
    );
    assert.deepEqual(result, { stdout: '/\n', exitCode: 0 });
  });

  it('spawn() has pipes by default', async () => {
    const tool = toolbox(['cat']);
    tool.stdin.end('through');
    const output = await text(tool.stdout);
    assert.deepEqual(
      [output, await tool],
      ['through', resultOf({ stdout: null, stderr: null })],
    );
  });

  it('spawn() has null where there is no pipe', async () => {
    const tool = toolbox(['say', 'out', 'err'], {
      stdin: 'ignore',
      stdout: 'capture',
      stderr: () => {},
    });
    assert.deepEqual(
      [tool.stdin, tool.stdout, tool.stderr],
      [null, null, null],
    );
    assert.equal(String((await tool).stdout), 'out');
  });

  it('spawn() gives a promise whose then() gives none of its own', async () => {
    const tool = toolbox(['exit', '0']);
    assert.ok(tool instanceof Promise);
    const next = tool.then(() => 1);
    assert.equal(next.kill, undefined);
    assert.equal(await next, 1);
    assert.equal((await tool.finally(() => {})).exitCode, 0);
  });

  it('tell of a module that asks for more than WASI', async () => {
    await assert.rejects(run(guestPath('imports-memory')), {
      name: 'LinkError',
      message: /env/,
    });
    await assert.rejects(run(compile('reactor')), {
      code: VALUE,
      message: /^source is a reactor/,
    });
  });

  describe('maxBuffer', () => {
    const lines = (options) =>
      run(TOOLBOX, { args: ['lines', '2'], encoding: 'utf8', ...options });

    it('is met by as many bytes', async () => {
      assert.deepEqual(
        await lines({ maxBuffer: 14 }),
        resultOf({ stdout: 'line 1\nline 2\n', stderr: '' }),
      );
    });

    for (const [name, buffered] of [
      ['buffered', true],
      ['not buffered', false],
    ]) {
      it(`rejects with one more, ${name}, and what there was`, () =>
        assert.rejects(lines({ maxBuffer: 13, buffered }), {
          code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
          name: 'RangeError',
          message: 'stdout has more than 13 bytes',
          isMaxBuffer: true,
          exitCode: undefined,
          stdout: 'line 1\nline 2',
          stdoutTruncated: true,
        }));
    }

    it('ends a tool that would write for ever', () =>
      assert.rejects(
        run(TOOLBOX, { args: ['forever'], maxBuffer: 0, encoding: 'utf8' }),
        { isMaxBuffer: true, stdout: '' },
      ));

    it('is of each stream', () =>
      assert.rejects(
        run(TOOLBOX, { args: ['say', '12', '123'], maxBuffer: 2 }),
        { message: 'stderr has more than 2 bytes', stderrTruncated: true },
      ));
  });

  it('captureLimit cuts, and says so', async () => {
    const cut = (captureLimit) =>
      run(TOOLBOX, { args: ['say', 'text'], captureLimit, encoding: 'utf8' });
    assert.deepEqual(
      [await cut(4), await cut(3)],
      [
        resultOf({ stdout: 'text', stderr: '' }),
        resultOf({ stdout: 'tex', stdoutTruncated: true, stderr: '' }),
      ],
    );
  });

  it('a memory that has no more room is of the guest alone', async () => {
    const tool = streams(['fill'], { stdout: 'capture', encoding: 'utf8' });
    assert.equal((await tool).stdout, 'full');
  });
});
