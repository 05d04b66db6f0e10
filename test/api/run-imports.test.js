'use strict';

// A tool in one call: what runSync() alone can do, since its guest is on this thread.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { engine, run, runSync } = require('../..');
const { itNative } = require('../helpers/buffering');
const {
  assertNoneLeft,
  countDescriptors,
  itWithProc,
} = require('../helpers/descriptors');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { useHostFiles } = require('../helpers/host-files');

describe('runSync()', () => {
  const dir = useHostFiles();
  const { open } = dir;

  /** The toolbox with text as its output. */
  const tool = (args, options) =>
    runSync(compile('toolbox'), { args, encoding: 'utf8', ...options });

  /** `imports-memory`, whose memory has `text`. */
  function withMemory(text, exitCode, options) {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const bytes = Buffer.from(memory.buffer);
    bytes.writeUInt32LE(bytes.write(text, 64), 60);
    const imports = { env: { memory }, host: { exit_code: exitCode } };
    return runSync(guestPath('imports-memory'), { imports, ...options });
  }

  describe('imports', () => {
    it('are further functions, and the memory', () => {
      const { exitCode, stdout } = withMemory('in my memory', () => 9);
      assert.deepEqual([exitCode, String(stdout)], [9, 'in my memory']);
    });

    it('may have other memories besides that of the program', () => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const bytes = Buffer.from(memory.buffer);
      bytes.writeUInt32LE(bytes.write('in its memory', 64), 60);
      const other = new WebAssembly.Memory({ initial: 1 });
      const imports = {
        another: { memory: other },
        env: { other, memory },
        host: { exit_code: () => 0 },
      };
      const { stdout } = runSync(guestPath('imports-memory'), {
        imports,
        encoding: 'utf8',
      });
      assert.equal(stdout, 'in its memory');
      assert.ok(new Uint8Array(other.buffer).every((byte) => byte === 0));
    });

    it('do not take the place of those of WASI', () => {
      const imports = { wasi_snapshot_preview1: { fd_write: () => 8 } };
      const { exitCode, stdout } = tool(['say', 'to us'], { imports });
      assert.deepEqual([exitCode, stdout], [0, 'to us']);
    });

    it('may throw, and that arrives with the output so far', () => {
      const error = new Error('of the import');
      const fail = () => {
        throw error;
      };
      assert.throws(
        () => withMemory('before', fail),
        (thrown) => {
          assert.equal(thrown, error);
          assert.equal(String(thrown.stdout), 'before');
          return true;
        },
      );
    });

    // Each with what it then has as its stdout.
    const THROWN = {
      'an exception of WebAssembly': [
        new WebAssembly.Exception(new WebAssembly.Tag({ parameters: [] }), []),
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
        assert.throws(
          () => withMemory('before', fail, { encoding: 'utf8' }),
          (error) => {
            assert.equal(error, thrown);
            assert.equal(error.stdout, output);
            return true;
          },
        );
      });
    }

    it('may throw what is no error', () =>
      assert.throws(
        () =>
          withMemory('', () => {
            throw 'a string';
          }),
        (thrown) => thrown === 'a string',
      ));

    for (const [title, imports] of [
      ['a module', {}],
      ['a function', { host: {} }],
      ['a function in place of a number', { host: { main: 1 } }],
    ]) {
      itWithProc(`must have ${title} that is imported`, () => {
        const preopens = { '/': dir.path('') };
        const before = countDescriptors();
        assert.throws(
          () =>
            runSync(guestPath('command'), { imports, preopens, stdin: 'text' }),
          (error) => {
            assert.ok(error instanceof WebAssembly.LinkError, error.stack);
            assert.match(error.message, /host/);
            return true;
          },
        );
        assertNoneLeft(before);
      });
    }

    it('are refused by run(), which names runSync()', () =>
      assert.rejects(run(guestPath('imports-memory'), { imports: {} }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: /^options\.imports .*runSync\(\)/,
      }));
  });

  describe('buffered', () => {
    /** How many chunks three writes make. */
    function chunksOf(options) {
      const chunks = [];
      const { exitCode } = tool(['lines', '3'], {
        stdout: (chunk) => chunks.push(chunk),
        ...options,
      });
      assert.equal(exitCode, 0);
      const text = Buffer.concat(chunks).toString();
      assert.equal(text, 'line 1\nline 2\nline 3\n');
      return chunks.length;
    }

    /** The size of a file when a write to it has returned. */
    function sizeOf(options) {
      const stdout = open('out', 'w');
      let size;
      const exitCode = () => {
        ({ size } = fs.fstatSync(stdout));
        return 0;
      };
      withMemory('abc', exitCode, { stdout, ...options });
      assert.equal(dir.read('out'), 'abc');
      return size;
    }

    const MODES = [
      [undefined, 3, 0],
      ['auto', 3, 0],
      [true, 1, 0],
      [false, 3, 3],
    ];
    for (const [buffered, ...expected] of MODES) {
      // The fallback buffers nothing.
      const [chunks, size] = engine === 'native' ? expected : [3, 3];

      it(`${buffered} buffers what it should`, () => {
        assert.equal(chunksOf({ buffered }), chunks);
        assert.equal(sizeOf({ buffered }), size);
      });
    }

    itNative('buffers no more than bufferSize', () => {
      const options = { buffered: true, bufferSize: 14 };
      assert.equal(chunksOf(options), 2);
      assert.equal(sizeOf({ ...options, bufferSize: 2 }), 3);
    });
  });
});
