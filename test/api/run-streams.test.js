'use strict';

// A tool in one call: its stdin, stdout and stderr.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { engine, run, runSync } = require('../..');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { itWithFull } = require('../helpers/full');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { fill, useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { assertThrowsIt } = require('../helpers/outputs');
const { resultOf } = require('../helpers/run-results');

const TOOLBOX = guestPath('toolbox');
const CAPTURE_LIMIT = 64 * 2 ** 20;

// Both return a promise, so that the tests are the same.
const WAYS = {
  run,
  runSync: async (...values) => runSync(...values),
};

for (const [name, start] of Object.entries(WAYS)) {
  describe(`${name}()`, () => {
    const dir = useHostFiles();
    const { open } = dir;

    /** The toolbox, with text as output. */
    const tool = (args, options) =>
      start(compile('toolbox'), { args, encoding: 'utf8', ...options });

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
        it(`is the stdin of the process if it is ${stdin}`, () => {
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
          assert.deepEqual(
            await start(TOOLBOX, { args: SAY, ...options }),
            resultOf({
              stdout: Buffer.from('to stdout'),
              stderr: Buffer.from('to stderr'),
            }),
          );
        });
      }

      it("go nowhere if they are 'ignore'", async () => {
        const options = { stdout: 'ignore', stderr: 'ignore' };
        assert.deepEqual(
          await tool(SAY, options),
          resultOf({ stdout: null, stderr: null }),
        );
      });

      it("are the streams of the process if they are 'inherit'", () => {
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
        const nothing = resultOf({ stdout: null, stderr: null });
        assert.deepEqual(
          [child.stdout, child.stderr, child.status],
          ['to stdout', 'to stderr', JSON.stringify(nothing).length],
        );
      });

      it('go to descriptors, which stay open', async () => {
        const stdout = open('out', 'w');
        const stderr = open('err', 'w');
        const result = await tool(SAY, { stdout, stderr });
        assert.deepEqual(result, resultOf({ stdout: null, stderr: null }));
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
        assert.deepEqual(result, resultOf({ stdout: null, stderr: null }));
        assert.deepEqual(chunks, [
          ['out', 'to stdout'],
          ['err', 'to stderr'],
        ]);
      });

      it('go to streams, which are not ended', async () => {
        const stdout = new PassThrough({ encoding: 'utf8' });
        const stderr = new PassThrough({ encoding: 'utf8' });
        const result = await tool(SAY, { stdout, stderr });
        assert.deepEqual(result, resultOf({ stdout: null, stderr: null }));
        assert.deepEqual(
          [stdout.read(), stderr.read(), stdout.writable, stderr.writable],
          ['to stdout', 'to stderr', true, true],
        );
      });

      it('may go to different places', async () => {
        const stderr = open('err', 'w');
        const result = await tool(SAY, { stderr });
        assert.deepEqual(
          result,
          resultOf({ stdout: 'to stdout', stderr: null }),
        );
        assert.equal(dir.read('err'), 'to stderr');
      });

      it('pass on the error of a function', async () => {
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

      it('applies to all the output, not to each write', async () => {
        // The guest writes 65,536 bytes at a time, which splits a character.
        const stdin = `-${'€'.repeat(50_000)}`;
        assert.equal((await tool(['cat'], { stdin })).stdout, stdin);
      });
    });

    describe('buffered', () => {
      // In a process of its own: what is buffered goes with it.
      const itNativeWithFull = engine === 'native' ? itWithFull : it.skip;
      itNativeWithFull('gives the exit code of a tool that lost output', () => {
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

    describe('captureLimit', () => {
      it('makes writes beyond it fail, and keeps the rest', async () => {
        let message = '';
        const { exitCode, stdout } = await tool(['lines', '4'], {
          captureLimit: 14,
          stderr: (chunk) => (message += Buffer.from(chunk)),
        });
        assert.deepEqual([exitCode, stdout], [1, 'line 1\nline 2\n']);
        assert.equal(message, 'lines: No space left on device\n');
      });

      it('limits each of the two streams', async () => {
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
  });
}
