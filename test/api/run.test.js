'use strict';

// A tool in one call: the arguments and results of run() and runSync().

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');
const { run, runSync } = require('../..');
const {
  assertNoneLeft,
  countDescriptors,
  itWithProc,
} = require('../helpers/descriptors');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { useHostFiles } = require('../helpers/host-files');
const { resultOf } = require('../helpers/run-results');

const TOOLBOX = guestPath('toolbox');

// Both return a promise, so that the tests are the same.
const WAYS = {
  run,
  runSync: async (...values) => runSync(...values),
};

const toolboxBytes = () => fs.readFileSync(TOOLBOX);

/** An ArrayBuffer with exactly these bytes. */
const bufferOf = (bytes) => Uint8Array.from(bytes).buffer;

const SOURCES = {
  'a path': () => TOOLBOX,
  'a path from the working directory': () =>
    path.relative(process.cwd(), TOOLBOX),
  'a file URL': () => pathToFileURL(TOOLBOX),
  'a Buffer': toolboxBytes,
  'a Uint8Array': () => Uint8Array.from(toolboxBytes()),
  'a DataView': () => new DataView(bufferOf(toolboxBytes())),
  'an ArrayBuffer': () => bufferOf(toolboxBytes()),
  'a SharedArrayBuffer': () => {
    const bytes = toolboxBytes();
    const shared = new SharedArrayBuffer(bytes.length);
    new Uint8Array(shared).set(bytes);
    return shared;
  },
  'a WebAssembly.Module': () => compile('toolbox'),
  'a WebAssembly.Module of another realm': () =>
    vm.runInNewContext('new WebAssembly.Module(bytes)', {
      bytes: toolboxBytes(),
    }),
};

const hasName = (title) => /path|URL/.test(title);

// Invalid options, each with the option that the message must name.
const INVALID_OPTIONS = [
  ['ERR_INVALID_ARG_VALUE', { stdot: 'capture' }, 'options.stdot'],
  ['ERR_INVALID_ARG_VALUE', { version: 'preview1' }, 'options.version'],
  ['ERR_INVALID_ARG_VALUE', { returnOnExit: true }, 'options.returnOnExit'],
  ['ERR_INVALID_ARG_TYPE', { args: 'one' }, 'options.args'],
  ['ERR_INVALID_ARG_TYPE', { args: null }, 'options.args'],
  ['ERR_INVALID_ARG_TYPE', { argv0: 1 }, 'options.argv0'],
  ['ERR_INVALID_ARG_TYPE', { env: 'A=1' }, 'options.env'],
  ['ERR_INVALID_ARG_TYPE', { preopens: '/' }, 'options.preopens'],
  ['ERR_INVALID_ARG_TYPE', { stdin: true }, 'options.stdin'],
  ['ERR_INVALID_ARG_TYPE', { stdin: new ArrayBuffer(1) }, 'options.stdin'],
  ['ERR_INVALID_ARG_TYPE', { stdin: null }, 'options.stdin'],
  ['ERR_OUT_OF_RANGE', { stdin: -1 }, 'options.stdin'],
  ['ERR_INVALID_ARG_TYPE', { stdout: 'captured' }, 'options.stdout'],
  ['ERR_INVALID_ARG_TYPE', { stdout: null }, 'options.stdout'],
  ['ERR_OUT_OF_RANGE', { stdout: -1 }, 'options.stdout'],
  ['ERR_INVALID_ARG_TYPE', { stderr: {} }, 'options.stderr'],
  ['ERR_OUT_OF_RANGE', { stderr: 1.5 }, 'options.stderr'],
  ['ERR_INVALID_ARG_VALUE', { encoding: 'utf9' }, 'options.encoding'],
  ['ERR_INVALID_ARG_VALUE', { encoding: null }, 'options.encoding'],
  ['ERR_INVALID_ARG_VALUE', { buffered: 'always' }, 'options.buffered'],
  ['ERR_OUT_OF_RANGE', { bufferSize: 0 }, 'options.bufferSize'],
  ['ERR_INVALID_ARG_TYPE', { bufferSize: '1' }, 'options.bufferSize'],
  ['ERR_OUT_OF_RANGE', { captureLimit: -1 }, 'options.captureLimit'],
  ['ERR_INVALID_ARG_TYPE', { captureLimit: 1n }, 'options.captureLimit'],
  ['ERR_OUT_OF_RANGE', { waitTimeout: -1 }, 'options.waitTimeout'],
  ['ERR_INVALID_ARG_TYPE', { waitTimeout: '1s' }, 'options.waitTimeout'],
];

const textOf = (value) =>
  JSON.stringify(value, (key, member) =>
    typeof member === 'bigint' ? `${member}n` : member,
  );

for (const [name, start] of Object.entries(WAYS)) {
  describe(`${name}()`, () => {
    const dir = useHostFiles();
    const { open } = dir;

    /** The toolbox, with text as output. */
    const tool = (args, options) =>
      start(compile('toolbox'), { args, encoding: 'utf8', ...options });

    describe('takes as its source', () => {
      for (const [title, source] of Object.entries(SOURCES)) {
        const argv0 = hasName(title) ? 'toolbox.wasm' : 'wasm';
        it(`${title}, and calls the program ${argv0}`, async () => {
          const args = ['args', 'one'];
          assert.deepEqual(
            await start(source(), { args, encoding: 'utf8' }),
            resultOf({ stdout: `${argv0}\nargs\none\n`, stderr: '' }),
          );
        });
      }

      it('a module of wasi_unstable', async () => {
        const { exitCode, stdout } = await start(guestPath('unstable'));
        assert.deepEqual(
          { exitCode, stdout: String(stdout) },
          {
            exitCode: 0,
            stdout: 'old\n',
          },
        );
      });
    });

    describe('refuses as its source', () => {
      for (const source of [undefined, null, 1, {}, [], true, () => {}]) {
        it(`${String(source) || '[]'} of type ${typeof source}`, () =>
          assert.rejects(start(source), {
            code: 'ERR_INVALID_ARG_TYPE',
            message: /^source must be a path, a URL, bytes or a WebAssembly/,
            name: 'TypeError',
          }));
      }

      it('a URL that is not of a file', () =>
        assert.rejects(start(new URL('data:application/wasm,')), {
          code: 'ERR_INVALID_URL_SCHEME',
        }));

      it('a file that is not there', () =>
        assert.rejects(start(dir.path('none.wasm')), {
          code: 'ENOENT',
          path: dir.path('none.wasm'),
        }));

      it('a directory', () =>
        assert.rejects(start(dir.path('')), { code: 'EISDIR' }));

      for (const [title, bytes] of [
        ['text', Buffer.from('#!/bin/sh\n')],
        ['no bytes', Buffer.alloc(0)],
        ['half a module', toolboxBytes().subarray(0, 1000)],
      ]) {
        it(`${title}, from bytes and from a file`, async () => {
          dir.write('tool.wasm', bytes);
          for (const source of [bytes, dir.path('tool.wasm')]) {
            await assert.rejects(start(source), WebAssembly.CompileError);
          }
        });
      }

      it('a reactor, and says what it is for', () =>
        assert.rejects(start(guestPath('reactor')), {
          code: 'ERR_INVALID_ARG_VALUE',
          message:
            /^'.*reactor\.wasm' is a reactor: it exports _init.*initialize/,
        }));

      it('a module that is no command', () =>
        assert.rejects(start(guestPath('plugin')), {
          code: 'ERR_INVALID_ARG_VALUE',
          message: /^'.*plugin\.wasm' is not a WASI command: it exports no _st/,
        }));
    });

    describe('args', () => {
      it('are none by default', async () => {
        // Without arguments the toolbox says hello.
        assert.equal((await tool()).stdout, 'hello\n');
      });

      it('arrive as they are', async () => {
        const args = ['', 'two words', '--help', '-', 'grüße', '\u{1f600}'];
        const { stdout } = await tool(['args', ...args], { argv0: 'tool' });
        assert.equal(stdout, ['tool', 'args', ...args, ''].join('\n'));
      });

      it('are not changed, and may be frozen', async () => {
        const args = Object.freeze(['args', 'one']);
        assert.equal((await tool(args)).stdout, 'wasm\nargs\none\n');
      });
    });

    it('argv0 names the program, even if there is a file', async () => {
      const options = { args: ['args'], argv0: 'other', encoding: 'utf8' };
      const { stdout } = await start(TOOLBOX, options);
      assert.equal(stdout, 'other\nargs\n');
    });

    describe('env', () => {
      it('is empty by default', async () => {
        assert.equal((await tool(['env'])).stdout, '');
      });

      it('has the given variables, except undefined ones', async () => {
        const env = { ONE: '1', NOTHING: undefined, EMPTY: '', TWO: 'a=ü' };
        const { stdout } = await tool(['env'], { env });
        assert.equal(stdout, 'ONE=1\nEMPTY=\nTWO=a=ü\n');
      });
    });

    it('reads each option once', async () => {
      const reads = {};
      const given = { args: ['say', 'hi'], stdin: 'ignore', stdout: 'capture' };
      const options = {};
      for (const [name, value] of Object.entries({ ...given, env: {} })) {
        const get = () => {
          reads[name] = (reads[name] ?? 0) + 1;
          return value;
        };
        Object.defineProperty(options, name, { enumerable: true, get });
      }
      assert.equal(String((await start(TOOLBOX, options)).stdout), 'hi');
      assert.deepEqual(reads, { args: 1, stdin: 1, stdout: 1, env: 1 });
    });

    describe('preopens', () => {
      it('are none by default', async () => {
        assert.equal((await tool(['preopens'])).stdout, '');
        const { exitCode, stderr } = await tool(['read', __filename]);
        assert.notEqual(exitCode, 0);
        assert.match(stderr, /^.*run\.test\.js: /);
      });

      it('are the directories that the program sees', async () => {
        dir.write('input', 'from the host');
        const preopens = { '/work': dir.path(''), '.': __dirname };
        const given = await tool(['preopens'], { preopens });
        assert.equal(given.stdout, '/work\n.\n');

        const read = await tool(['read', '/work/input'], { preopens });
        assert.equal(read.stdout, 'from the host');
        await tool(['write', '/work/output', 'from the guest'], { preopens });
        assert.equal(dir.read('output'), 'from the guest');
      });

      it('must be there', () =>
        assert.rejects(
          tool([], { preopens: { '/': dir.path(''), '/no': dir.path('no') } }),
          { code: 'UVWASI_ENOENT' },
        ));
    });

    for (const exitCode of [0, 1, 7, 127, 255]) {
      it(`gives the exit code ${exitCode}`, async () => {
        assert.deepEqual(
          await tool(['exit', String(exitCode)]),
          resultOf({ exitCode, stdout: '', stderr: '' }),
        );
      });
    }

    describe('a trap', () => {
      const TRAP = ['trap', 'so far', 'and why'];

      it('is thrown with the output so far', () =>
        assert.rejects(start(TOOLBOX, { args: TRAP }), (error) => {
          assert.ok(error instanceof WebAssembly.RuntimeError);
          assert.equal(error.message, 'unreachable');
          assert.match(error.stack, /wasm-function/);
          assert.deepEqual(error.stdout, Buffer.from('so far'));
          assert.deepEqual(error.stderr, Buffer.from('and why'));
          return true;
        }));

      it('has the output in the encoding that was asked for', () =>
        assert.rejects(tool(TRAP, { stderr: 'ignore' }), {
          name: 'RuntimeError',
          stdout: 'so far',
          stderr: null,
        }));

      it('may be that the stack is full', () =>
        assert.rejects(start(guestPath('overflow')), {
          name: 'RangeError',
          stdout: Buffer.alloc(0),
          stderr: Buffer.alloc(0),
        }));

      it('leaves the buffered bytes in its file', async () => {
        const stdout = open('out', 'w');
        await assert.rejects(tool(TRAP, { stdout, buffered: true }), {
          name: 'RuntimeError',
        });
        assert.equal(dir.read('out'), 'so far');
      });
    });

    describe('refuses', () => {
      for (const options of [null, 1, 'capture', ['capture']]) {
        it(`options that are ${textOf(options)}`, () =>
          assert.rejects(start(TOOLBOX, options), {
            code: 'ERR_INVALID_ARG_TYPE',
            message: /^options must be an object/,
          }));
      }

      for (const [code, options, option] of INVALID_OPTIONS) {
        itWithProc(`${textOf(options)}, and leaves nothing open`, async () => {
          const before = countDescriptors();
          const given = {
            preopens: { '/': dir.path('') },
            stdin: 'text',
            stdout: 'ignore',
            ...options,
          };
          await assert.rejects(start(TOOLBOX, given), (error) => {
            assert.equal(error.code, code, error.stack);
            assert.ok(error.message.includes(option), error.message);
            return true;
          });
          assertNoneLeft(before);
        });
      }
    });
  });
}
