'use strict';

// A tool in one call: run() and runSync().

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { pathToFileURL } = require('node:url');
const vm = require('node:vm');
const { run, runSync } = require('../..');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const {
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  itWithProc,
} = require('../helpers/descriptors');
const { itWithFull } = require('../helpers/full');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { fill, useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { assertThrowsIt } = require('../helpers/outputs');
const { useTempDir } = require('../helpers/temp');

const TOOLBOX = guestPath('toolbox');
const CAPTURE_LIMIT = 64 * 2 ** 20;

// Both with a promise, so that the same tests are for either.
const WAYS = {
  run,
  runSync: async (...values) => runSync(...values),
};

const toolboxBytes = () => fs.readFileSync(TOOLBOX);

/** The bytes as an ArrayBuffer that has nothing else. */
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

// What is refused, with the option that the message names.
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
  ['ERR_INVALID_ARG_TYPE', { imports: 1 }, 'options.imports'],
  ['ERR_INVALID_ARG_TYPE', { imports: null }, 'options.imports'],
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

    /** The toolbox with text as its output. */
    const tool = (args, options) =>
      start(compile('toolbox'), { args, encoding: 'utf8', ...options });

    /** `imports-memory`, whose memory has `text`. */
    function withMemory(text, exitCode, options) {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const bytes = Buffer.from(memory.buffer);
      bytes.writeUInt32LE(bytes.write(text, 64), 60);
      const imports = { env: { memory }, host: { exit_code: exitCode } };
      return start(guestPath('imports-memory'), { imports, ...options });
    }

    describe('takes as its source', () => {
      for (const [title, source] of Object.entries(SOURCES)) {
        const argv0 = hasName(title) ? 'toolbox.wasm' : 'wasm';
        it(`${title}, and calls the program ${argv0}`, async () => {
          const args = ['args', 'one'];
          assert.deepEqual(await start(source(), { args, encoding: 'utf8' }), {
            exitCode: 0,
            stdout: `${argv0}\nargs\none\n`,
            stderr: '',
          });
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

      it('a URL that is no file', () =>
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
          message: /^source is a reactor: it exports _initialize.*initialize/,
        }));

      it('a module that is no command', () =>
        assert.rejects(start(guestPath('plugin')), {
          code: 'ERR_INVALID_ARG_VALUE',
          message: /^source is not a WASI command: it exports no _start/,
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

    it('argv0 names the program, also where there is a file', async () => {
      const options = { args: ['args'], argv0: 'other', encoding: 'utf8' };
      const { stdout } = await start(TOOLBOX, options);
      assert.equal(stdout, 'other\nargs\n');
    });

    describe('env', () => {
      it('is empty by default', async () => {
        assert.equal((await tool(['env'])).stdout, '');
      });

      it('is what is given, without what is undefined', async () => {
        const env = { ONE: '1', NOTHING: undefined, EMPTY: '', TWO: 'a=ü' };
        const { stdout } = await tool(['env'], { env });
        assert.equal(stdout, 'ONE=1\nEMPTY=\nTWO=a=ü\n');
      });
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

    describe('stdin', () => {
      const LARGE = 'größer als eine Pipe\n'.repeat(10_000);
      const BINARY = pattern(300_000);

      for (const [title, stdin, expected] of [
        ['text', 'a line\n', Buffer.from('a line\n')],
        ['text that no pipe would hold', LARGE, Buffer.from(LARGE)],
        ['no text', '', Buffer.alloc(0)],
        [
          "text that is no name of a stream, 'capture'",
          'capture',
          Buffer.from('capture'),
        ],
        ['a Buffer', BINARY, BINARY],
        ['a Uint8Array', Uint8Array.from(BINARY), BINARY],
        [
          'a part of a buffer',
          BINARY.subarray(5, 70_000),
          BINARY.subarray(5, 70_000),
        ],
        ['no bytes', new Uint8Array(), Buffer.alloc(0)],
        ["'ignore'", 'ignore', Buffer.alloc(0)],
      ]) {
        it(`is ${title}`, async () => {
          const args = ['cat'];
          const { exitCode, stdout } = await start(TOOLBOX, { args, stdin });
          assert.equal(exitCode, 0);
          assertSameBytes(stdout, expected);
        });
      }

      it('is a descriptor, which stays open and is read on', async () => {
        dir.write('input', 'first\nsecond\n');
        const stdin = open('input', 'r');
        fs.readSync(stdin, Buffer.alloc(6));
        assert.equal((await tool(['cat'], { stdin })).stdout, 'second\n');
        assert.equal(fs.fstatSync(stdin).size, 13);
      });

      for (const stdin of [undefined, 'inherit']) {
        it(`is that of the process where it is ${stdin}`, () => {
          const body = async (way, file, given) => {
            const options = { args: ['cat'], stdin: given, encoding: 'utf8' };
            const { stdout } = await require(process.cwd())[way](file, options);
            process.stdout.write(`<${stdout}>`);
          };
          const call = `(${body})(${JSON.stringify([name, TOOLBOX]).slice(
            1,
            -1,
          )}, ${JSON.stringify(stdin)})`;
          const { stdout, stderr } = spawnSync(
            process.execPath,
            ['--no-warnings', '-e', call],
            {
              cwd: path.join(__dirname, '..', '..'),
              encoding: 'utf8',
              input: 'from outside',
            },
          );
          assert.deepEqual([stdout, stderr], ['<from outside>', '']);
        });
      }

      it('has no name in the directory for temporary files', () => {
        const left = resultInChild(
          async (way, file, directory) => {
            const fs = require('node:fs');
            process.env.TMPDIR = directory;
            let during;
            await require('../..')[way](file, {
              args: ['cat'],
              stdin: 'text',
              stdout() {
                during = fs.readdirSync(directory);
              },
            });
            return { during, after: fs.readdirSync(directory) };
          },
          [name, TOOLBOX, dir.path('')],
        );
        assert.deepEqual(left, { during: [], after: [] });
      });
    });

    describe('stdout and stderr', () => {
      const SAY = ['say', 'to stdout', 'to stderr'];

      for (const [title, options] of [
        ['by default', {}],
        ["where they are 'capture'", { stdout: 'capture', stderr: 'capture' }],
      ]) {
        it(`are Buffers of what was written ${title}`, async () => {
          assert.deepEqual(await start(TOOLBOX, { args: SAY, ...options }), {
            exitCode: 0,
            stdout: Buffer.from('to stdout'),
            stderr: Buffer.from('to stderr'),
          });
        });
      }

      it("go nowhere where they are 'ignore'", async () => {
        const options = { stdout: 'ignore', stderr: 'ignore' };
        assert.deepEqual(await tool(SAY, options), {
          exitCode: 0,
          stdout: null,
          stderr: null,
        });
      });

      it("are those of the process where they are 'inherit'", () => {
        const body = async (way, file, args) => {
          const result = await require(process.cwd())[way](file, {
            args,
            stdout: 'inherit',
            stderr: 'inherit',
          });
          process.exitCode = JSON.stringify(result).length;
        };
        const values = JSON.stringify([name, TOOLBOX, SAY]).slice(1, -1);
        const child = spawnSync(
          process.execPath,
          ['--no-warnings', '-e', `(${body})(${values})`],
          { cwd: path.join(__dirname, '..', '..'), encoding: 'utf8' },
        );
        const nothing = { exitCode: 0, stdout: null, stderr: null };
        assert.deepEqual(
          [child.stdout, child.stderr, child.status],
          ['to stdout', 'to stderr', JSON.stringify(nothing).length],
        );
      });

      it('go to descriptors, which stay open', async () => {
        const stdout = open('out', 'w');
        const stderr = open('err', 'w');
        const result = await tool(SAY, { stdout, stderr });
        assert.deepEqual(result, { exitCode: 0, stdout: null, stderr: null });
        fs.writeSync(stdout, ', and more');
        fs.writeSync(stderr, ', too');
        assert.equal(dir.read('out'), 'to stdout, and more');
        assert.equal(dir.read('err'), 'to stderr, too');
      });

      it('go to functions, in the order of the writes', async () => {
        const chunks = [];
        const result = await tool(SAY, {
          stdout: (chunk) => chunks.push(['out', String(Buffer.from(chunk))]),
          stderr: (chunk) => chunks.push(['err', String(Buffer.from(chunk))]),
        });
        assert.deepEqual(result, { exitCode: 0, stdout: null, stderr: null });
        assert.deepEqual(chunks, [
          ['out', 'to stdout'],
          ['err', 'to stderr'],
        ]);
      });

      it('go to streams, which are not ended', async () => {
        const stdout = new PassThrough({ encoding: 'utf8' });
        const stderr = new PassThrough({ encoding: 'utf8' });
        const result = await tool(SAY, { stdout, stderr });
        assert.deepEqual(result, { exitCode: 0, stdout: null, stderr: null });
        assert.deepEqual(
          [stdout.read(), stderr.read(), stdout.writable, stderr.writable],
          ['to stdout', 'to stderr', true, true],
        );
      });

      it('may go to different places', async () => {
        const stderr = open('err', 'w');
        const result = await tool(SAY, { stderr });
        assert.deepEqual(result, {
          exitCode: 0,
          stdout: 'to stdout',
          stderr: null,
        });
        assert.equal(dir.read('err'), 'to stderr');
      });

      it('hand on what a function throws', async () => {
        const error = new Error('of the function');
        let thrown;
        try {
          await tool(SAY, {
            stdout() {
              throw error;
            },
          });
        } catch (value) {
          thrown = value;
        }
        assertThrowsIt(() => {
          throw thrown;
        }, error);
      });
    });

    describe('encoding', () => {
      const BYTES = Buffer.from([0xe2, 0x82, 0xac, 0x00, 0xff, 0x0a]);

      it("is 'buffer' by default, which is also its name", async () => {
        for (const options of [{}, { encoding: 'buffer' }]) {
          const { stdout, stderr } = await start(TOOLBOX, {
            args: ['cat'],
            stdin: BYTES,
            ...options,
          });
          assert.deepEqual([stdout, stderr], [BYTES, Buffer.alloc(0)]);
        }
      });

      for (const encoding of [
        'utf8',
        'UTF-8',
        'utf16le',
        'latin1',
        'ascii',
        'base64',
        'base64url',
        'hex',
      ]) {
        it(`may be ${encoding}`, async () => {
          const options = { encoding, stdin: BYTES };
          const { stdout, stderr } = await tool(['cat'], options);
          assert.deepEqual([stdout, stderr], [BYTES.toString(encoding), '']);
        });
      }

      it('is of all the output, not of one write', async () => {
        // The guest writes 65,536 bytes at a time, which splits a character.
        const stdin = `-${'€'.repeat(50_000)}`;
        assert.equal((await tool(['cat'], { stdin })).stdout, stdin);
      });
    });

    describe('buffered', () => {
      /** How many chunks three writes make. */
      async function chunksOf(options) {
        const chunks = [];
        const { exitCode } = await tool(['lines', '3'], {
          stdout: (chunk) => chunks.push(chunk),
          ...options,
        });
        assert.equal(exitCode, 0);
        const text = Buffer.concat(chunks).toString();
        assert.equal(text, 'line 1\nline 2\nline 3\n');
        return chunks.length;
      }

      /** The size of a file when a write to it has returned. */
      async function sizeOf(options) {
        const stdout = open('out', 'w');
        let size;
        const exitCode = () => {
          ({ size } = fs.fstatSync(stdout));
          return 0;
        };
        await withMemory('abc', exitCode, { stdout, ...options });
        assert.equal(dir.read('out'), 'abc');
        return size;
      }

      for (const [buffered, chunks, size] of [
        [undefined, 3, 0],
        ['auto', 3, 0],
        [true, 1, 0],
        [false, 3, 3],
      ]) {
        it(`${buffered} holds back what it should`, async () => {
          assert.equal(await chunksOf({ buffered }), chunks);
          assert.equal(await sizeOf({ buffered }), size);
        });
      }

      it('holds back no more than bufferSize', async () => {
        const options = { buffered: true, bufferSize: 14 };
        assert.equal(await chunksOf(options), 2);
        assert.equal(await sizeOf({ ...options, bufferSize: 2 }), 3);
      });

      // In a process of its own: what is held back goes with it.
      itWithFull('gives the exit code of a tool whose output was lost', () => {
        const thrown = resultInChild(
          async (way, file) => {
            const stdout = require('node:fs').openSync('/dev/full', 'w');
            const options = { args: ['lines', '2'], buffered: true, stdout };
            const start = async () => require('../..')[way](file, options);
            const error = await start().catch((value) => value);
            return { message: error.message, ...error };
          },
          [name, TOOLBOX],
        );
        const { code, errno, exitCode, fd, message, pending } = thrown;
        assert.deepEqual(
          { code, errno, exitCode, fd, pending },
          { code: 'ENOSPC', errno: 51, exitCode: 0, fd: 1, pending: 14 },
        );
        assert.match(message, /^14 bytes for guest fd 1 could not be written/);
      });
    });

    describe('imports', () => {
      it('are further functions, and the memory', async () => {
        const { exitCode, stdout } = await withMemory('in my memory', () => 9);
        assert.deepEqual([exitCode, String(stdout)], [9, 'in my memory']);
      });

      it('may have other memories besides that of the program', async () => {
        const memory = new WebAssembly.Memory({ initial: 1 });
        const bytes = Buffer.from(memory.buffer);
        bytes.writeUInt32LE(bytes.write('in its memory', 64), 60);
        const other = new WebAssembly.Memory({ initial: 1 });
        const imports = {
          another: { memory: other },
          env: { other, memory },
          host: { exit_code: () => 0 },
        };
        const { stdout } = await start(guestPath('imports-memory'), {
          imports,
          encoding: 'utf8',
        });
        assert.equal(stdout, 'in its memory');
        assert.ok(new Uint8Array(other.buffer).every((byte) => byte === 0));
      });

      it('do not take the place of those of WASI', async () => {
        const imports = { wasi_snapshot_preview1: { fd_write: () => 8 } };
        const { exitCode, stdout } = await tool(['say', 'to us'], { imports });
        assert.deepEqual([exitCode, stdout], [0, 'to us']);
      });

      it('may throw, and that arrives with the output so far', async () => {
        const error = new Error('of the import');
        const fail = () => {
          throw error;
        };
        await assert.rejects(withMemory('before', fail), (thrown) => {
          assert.equal(thrown, error);
          assert.equal(String(thrown.stdout), 'before');
          return true;
        });
      });

      // Each with what it then has as its stdout.
      const THROWN = {
        'an exception of WebAssembly': [
          new WebAssembly.Exception(
            new WebAssembly.Tag({ parameters: [] }),
            [],
          ),
          'before',
        ],
        'a DOMException': [new DOMException('of the import'), 'before'],
        'an error that is frozen': [Object.freeze(new Error('frozen'))],
        'an error that has a stdout': [
          Object.assign(new Error('of a child'), { stdout: 'its own' }),
          'its own',
        ],
      };
      for (const [title, [thrown, output]] of Object.entries(THROWN)) {
        it(`may throw ${title}`, () => {
          const fail = () => {
            throw thrown;
          };
          return assert.rejects(
            withMemory('before', fail, { encoding: 'utf8' }),
            (error) => {
              assert.equal(error, thrown);
              assert.equal(error.stdout, output);
              return true;
            },
          );
        });
      }

      it('may throw what is no error', () =>
        assert.rejects(
          withMemory('', () => {
            throw 'a string';
          }),
          (thrown) => thrown === 'a string',
        ));

      for (const [title, imports, type] of [
        ['a module', {}, TypeError],
        ['a function', { host: {} }, WebAssembly.LinkError],
      ]) {
        itWithProc(`must have ${title} that is imported`, async () => {
          const preopens = { '/': dir.path('') };
          const before = countDescriptors();
          await assert.rejects(
            start(guestPath('command'), { imports, preopens, stdin: 'text' }),
            (error) => {
              assert.ok(error instanceof type, error.stack);
              assert.match(error.message, /host/);
              return true;
            },
          );
          assertNoneLeft(before);
        });
      }
    });

    describe('captureLimit', () => {
      it('fails what goes beyond it, and keeps the rest', async () => {
        let message = '';
        const { exitCode, stdout } = await tool(['lines', '4'], {
          captureLimit: 14,
          stderr: (chunk) => (message += Buffer.from(chunk)),
        });
        assert.deepEqual([exitCode, stdout], [1, 'line 1\nline 2\n']);
        assert.equal(message, 'lines: No space left on device\n');
      });

      it('is for each of the two', async () => {
        const args = ['say', '123', '4567'];
        const { stdout, stderr } = await tool(args, { captureLimit: 3 });
        assert.deepEqual([stdout, stderr], ['123', '456']);
      });

      it('may be 0', async () => {
        const { stdout } = await tool(['say', 'x'], { captureLimit: 0 });
        assert.equal(stdout, '');
      });

      it('is 64 MiB by default', async () => {
        const stdin = open('input', 'w+');
        for (const [size, exitCode] of [
          [CAPTURE_LIMIT, 0],
          [CAPTURE_LIMIT + 1, 1],
        ]) {
          fs.ftruncateSync(stdin, size);
          const input = open('input', 'r');
          const result = await start(TOOLBOX, { args: ['cat'], stdin: input });
          assert.equal(result.exitCode, exitCode);
          assert.equal(result.stdout.length, CAPTURE_LIMIT);
        }
      });
    });

    for (const waitTimeout of [0, 20]) {
      it(`waitTimeout ${waitTimeout} ends the wait for a full pipe`, async () => {
        const { filler, writer: stdout } = dir.pipe({ blocking: false });
        fill(filler);
        const options = { stdout, waitTimeout };
        const { exitCode, stderr } = await tool(['lines', '1'], options);
        assert.equal(exitCode, 1);
        assert.equal(stderr, 'lines: Resource temporarily unavailable\n');
      });
    }

    for (const exitCode of [0, 1, 7, 127, 255]) {
      it(`gives the exit code ${exitCode}`, async () => {
        assert.deepEqual(await tool(['exit', String(exitCode)]), {
          exitCode,
          stdout: '',
          stderr: '',
        });
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

      it('leaves what was held back in its file', async () => {
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

    describe('leaves no descriptor open', () => {
      for (const [title, args] of [
        ['of a tool that leaves files open', ['leave', '/one', '/two']],
        ['of a tool that traps', ['trap', '', '']],
        ['of a tool that exits', ['exit', '3']],
      ]) {
        itWithProc(title, async () => {
          const preopens = { '/': dir.path(''), '/tests': __dirname };
          const before = countDescriptors();
          const options = { preopens, stdin: 'text', stderr: 'ignore' };
          await tool(args, options).catch((error) => {
            assert.ok(error instanceof WebAssembly.RuntimeError, error.stack);
          });
          assertNoneLeft(before);
        });
      }

      itWithProc('of a tool that ends with a file of its own', async () => {
        const preopens = { '/': dir.path('') };
        const options = { preopens, stdin: 'input' };
        const { exitCode, stdout } = await tool(['leave', '/one'], options);
        assert.deepEqual([exitCode, stdout], [0, 'input']);
        assert.equal(dir.read('one'), '/one');
        assert.deepEqual(descriptorsOf(dir.path('one')), []);
      });
    });
  });
}

describe('run() and runSync()', () => {
  const dir = useTempDir();

  it('run() throws nothing, but rejects', async () => {
    await assert.rejects(run(1, 2), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('runSync() has run the tool when it returns', () => {
    const { exitCode, stdout } = runSync(TOOLBOX, { encoding: 'utf8' });
    assert.deepEqual([exitCode, stdout], [0, 'hello\n']);
  });

  it('run() can be called again before it is done', async () => {
    const results = await Promise.all(
      ['one', 'two', 'three'].map((stdin) =>
        run(TOOLBOX, { args: ['cat'], stdin, encoding: 'utf8' }),
      ),
    );
    const texts = results.map(({ stdout }) => stdout);
    assert.deepEqual(texts, ['one', 'two', 'three']);
  });

  it('run() takes its options as they are when it is called', async () => {
    const args = ['env'];
    const env = {};
    const options = { args, env, encoding: 'utf8' };
    const runs = ['one', 'two', 'three'].map((value) => {
      env.NUMBER = value;
      return run(TOOLBOX, options);
    });
    args[0] = 'args';
    options.encoding = 'no such encoding';
    const texts = (await Promise.all(runs)).map(({ stdout }) => stdout);
    assert.deepEqual(texts, ['NUMBER=one\n', 'NUMBER=two\n', 'NUMBER=three\n']);
  });

  itWithProc('leave nothing behind, however often they are called', () => {
    fs.mkdirSync(dir.path('temporary'));
    const { before, after } = resultInChild(
      async (file, directory) => {
        const fs = require('node:fs');
        const { run, runSync } = require('../..');
        process.env.TMPDIR = `${directory}/temporary`;

        const state = () => {
          globalThis.gc();
          return {
            descriptors: fs.readdirSync('/proc/self/fd').length,
            listeners: process
              .eventNames()
              .map((name) => `${String(name)}: ${process.listenerCount(name)}`),
            temporary: fs.readdirSync(process.env.TMPDIR),
            memory: process.memoryUsage(),
          };
        };
        const once = async (i) => {
          const options = {
            args: ['leave', '/one', '/two', '/three'],
            env: { NUMBER: String(i) },
            preopens: { '/': directory, '/again': directory },
            stdin: `input ${i}`.repeat(1000),
            stderr: i % 3 === 0 ? 'ignore' : 'capture',
          };
          if (i % 5 === 0) options.args = ['trap', 'so far', 'and why'];
          const call = i % 2 === 0 ? run : runSync;
          const start = async () => call(file, options);
          const { stdout } = await start().catch((error) => error);
          const expected = i % 5 === 0 ? 'so far' : options.stdin;
          if (String(stdout) !== expected) throw new Error(`${i}: ${stdout}`);
          // What is collected runs its finalizers between two tasks.
          if (i % 50 === 0) {
            globalThis.gc();
            await new Promise(setImmediate);
          }
        };

        for (let i = 0; i < 300; i++) await once(i);
        const before = state();
        for (let i = 0; i < 500; i++) await once(i);
        return { before, after: state() };
      },
      [TOOLBOX, dir.path('')],
      ['--expose-gc'],
    );
    assert.equal(after.descriptors, before.descriptors);
    assert.deepEqual(after.listeners, before.listeners);
    assert.deepEqual(after.temporary, []);
    // In MiB.
    for (const [kind, most] of [
      ['rss', 20],
      ['heapUsed', 1],
    ]) {
      const grown = (after.memory[kind] - before.memory[kind]) / 2 ** 20;
      assert.ok(grown < most, `${kind}: ${grown} MiB more`);
    }
  });

  itWithFull('have done with what could not be written', () => {
    // The number of a closed descriptor soon is another file's.
    const [first, second] = resultInChild(
      async (file, other) => {
        const fs = require('node:fs');
        const { run } = require('../..');
        const stdout = fs.openSync('/dev/full', 'w');
        const options = { args: ['lines', '2'], buffered: true, stdout };
        const { code } = await run(file, options).catch((error) => error);
        if (code !== 'ENOSPC') throw new Error(code);
        fs.closeSync(stdout);
        return [stdout, fs.openSync(other, 'w')];
      },
      [TOOLBOX, dir.path('other')],
    );
    assert.equal(first, second);
    assert.equal(dir.read('other'), '');
  });

  it('add one listener for the end of the process at the most', () => {
    const added = resultInChild(
      async (file) => {
        const { run } = require('../..');
        const count = () =>
          process
            .eventNames()
            .reduce((sum, name) => sum + process.listenerCount(name), 0);
        const before = count();
        for (let i = 0; i < 5; i++) await run(file);
        return count() - before;
      },
      [TOOLBOX],
    );
    assert.ok(added <= 1, `${added} listeners`);
  });
});
