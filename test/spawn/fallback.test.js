'use strict';

// Without the addon run() does what it can on this thread, and spawn() says why not.

const assert = require('node:assert/strict');
const { resultInChild } = require('../helpers/in-child');
const { resultOf } = require('../helpers/run-results');

const ENV = { WASI_WRITEV_ENGINE: 'fallback' };
const inFallback = (body) => resultInChild(body, [], [], ENV);

describe('Without the addon', () => {
  it('spawn() throws, and names why', () => {
    const { code, message } = inFallback(() => {
      const { spawn } = require('../..');
      try {
        spawn('../guests/toolbox.wasm');
        return {};
      } catch (error) {
        return { code: error.code, message: error.message };
      }
    });
    assert.equal(code, 'ERR_WASI_WRITEV_NO_NATIVE');
    assert.match(message, /WASI_WRITEV_ENGINE is fallback/);
  });

  it('run() takes input of every kind, and gives what it captured', () => {
    const results = inFallback(async () => {
      const { Readable } = require('node:stream');
      const { run } = require('../..');
      const sources = [
        'one, two',
        Buffer.from('one, two'),
        Readable.from(['one', ', two']),
        new Blob(['one, two']),
        new Blob(['one, two']).stream(),
        ['one, ', Buffer.from('two')],
      ];
      const results = [];
      for (const stdin of sources) {
        const options = { args: ['cat'], encoding: 'utf8', stdin };
        results.push(await run('../guests/toolbox.wasm', options));
      }
      return results;
    });
    const expected = resultOf({ stdout: 'one, two', stderr: '' });
    assert.deepEqual(results, Array(6).fill(expected));
  });

  it('run() writes to functions and streams, and awaits them', () => {
    const chunks = inFallback(async () => {
      const { PassThrough } = require('node:stream');
      const { run } = require('../..');
      const args = ['say', 'out', 'err'];
      const chunks = [];
      const take = (chunk) => void chunks.push(String(Buffer.from(chunk)));
      const both = new PassThrough({ encoding: 'utf8' });
      const options = { args, stdin: 'ignore' };
      const file = '../guests/toolbox.wasm';
      await run(file, { ...options, stdout: take });
      await run(file, { ...options, stdout: both, stderr: both });
      chunks.push(both.read());
      await run(file, {
        ...options,
        stdout: new WritableStream({ write: take }),
      });
      return chunks;
    });
    assert.deepEqual(chunks, ['out', 'outerr', 'out']);
  });

  it('run() has the errors that it can have', () => {
    const errors = inFallback(async () => {
      const { run } = require('../..');
      const file = '../guests/toolbox.wasm';
      const errors = [];
      for (const options of [
        { signal: AbortSignal.abort() },
        { maxBuffer: 13, args: ['lines', '2'], encoding: 'utf8' },
        { imports: {} },
        { stdin: 'pipe' },
        { stdin: [1] },
      ]) {
        const given = { stdin: 'ignore', ...options };
        const { code, isCanceled, isMaxBuffer, stdout } = await run(
          file,
          given,
        ).catch((error) => error);
        errors.push({ code, isCanceled, isMaxBuffer, stdout });
      }
      return errors;
    });
    assert.deepEqual(errors, [
      { code: 'ABORT_ERR', isCanceled: true, isMaxBuffer: false },
      {
        code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
        isCanceled: false,
        isMaxBuffer: true,
        stdout: 'line 1\nline 2',
      },
      { code: 'ERR_INVALID_ARG_VALUE' },
      { code: 'ERR_INVALID_ARG_VALUE' },
      { code: 'ERR_INVALID_ARG_TYPE' },
    ]);
  });
});
