'use strict';

// startAsync(): the guest waits for a Writable of this thread that is full.

const assert = require('node:assert/strict');
const { PassThrough, Writable } = require('node:stream');
const { text } = require('node:stream/consumers');
const { WASI } = require('../..');
const { compile } = require('../helpers/guest');

const hasSuspending = WebAssembly.Suspending !== undefined;
const itSuspending = hasSuspending ? it : it.skip;
const itWithout = hasSuspending ? it.skip : it;

/** The toolbox, and its `WASI`. */
function start(args, options) {
  const wasi = new WASI({
    version: 'preview1',
    args: ['toolbox', ...args],
    suspending: hasSuspending,
    ...options,
  });
  const instance = new WebAssembly.Instance(
    compile('toolbox'),
    wasi.getImportObject(),
  );
  return { wasi, instance };
}

const startAsync = async (...of) => {
  const { wasi, instance } = start(...of);
  return wasi.startAsync(instance);
};

/** A Writable that takes a chunk in each turn, and the most that waited in it. */
class Slow extends Writable {
  length = 0;
  most = 0;

  _write(chunk, encoding, callback) {
    this.length += chunk.length;
    this.most = Math.max(this.most, this.writableLength);
    setImmediate(callback);
  }
}

const LINES = 20_000;
const BYTES = Array.from({ length: LINES }, (_, i) => `line ${i + 1}\n`).join(
  '',
).length;

describe('startAsync()', () => {
  itSuspending('has a guest wait for a Writable that is full', async () => {
    const stdout = new Slow({ highWaterMark: 1000 });
    const exitCode = await startAsync(['lines', String(LINES)], { stdout });
    assert.equal(exitCode, 0);
    await new Promise((resolve) => {
      stdout.end(resolve);
    });
    assert.equal(stdout.length, BYTES);
    assert.ok(stdout.most < 1100, `${stdout.most} bytes waited`);
  });

  itSuspending('has all of it wait there without `suspending`', async () => {
    const stdout = new Slow({ highWaterMark: 1000 });
    const options = { stdout, suspending: false };
    await startAsync(['lines', String(LINES)], options);
    assert.equal(stdout.writableLength, BYTES);
  });

  for (const buffered of [true, 'auto']) {
    itSuspending(`waits for what is buffered (${buffered}), too`, async () => {
      const stdout = new Slow({ highWaterMark: 1000 });
      const options = { stdout, buffered, bufferSize: 4096 };
      await startAsync(['lines', String(LINES)], options);
      await new Promise((resolve) => {
        stdout.end(resolve);
      });
      assert.equal(stdout.length, BYTES);
      assert.ok(stdout.most < 2 * 4096, `${stdout.most} bytes waited`);
    });
  }

  for (const [title, end] of [
    ['is destroyed', (target) => target.destroy()],
    ['fails', (target) => target.destroy(new Error('of the target'))],
    ['ends', (target) => target.end()],
  ]) {
    itSuspending(
      `goes on when the Writable ${title} while it waits`,
      async () => {
        const stdout = new Slow({ highWaterMark: 10 });
        stdout.on('error', () => {});
        const done = startAsync(['lines', '1000'], {
          stdout,
          stderr: 'capture',
        });
        setImmediate(end, stdout);
        assert.equal(await done, 1);
      },
    );
  }

  itSuspending('leaves no listener on the Writable', async () => {
    const stdout = new Slow({ highWaterMark: 10 });
    await startAsync(['lines', '1000'], { stdout });
    for (const name of ['drain', 'close', 'error', 'finish']) {
      assert.equal(stdout.listenerCount(name), 0, name);
    }
  });

  itSuspending('lets two guests share a Writable', async () => {
    const both = new PassThrough({ highWaterMark: 100 });
    const output = text(both);
    const exitCodes = await Promise.all(
      [1, 2].map(() => startAsync(['lines', '1000'], { stdout: both })),
    );
    both.end();
    assert.deepEqual(exitCodes, [0, 0]);
    const lines = (await output).split('\n');
    assert.equal(lines.length, 2001);
    assert.equal(lines.filter((line) => line === 'line 1000').length, 2);
  });

  itSuspending(
    'gives the exit code, and rejects as start() throws',
    async () => {
      assert.equal(await startAsync(['exit', '7']), 7);
      const options = { stdout: 'capture', stderr: 'capture' };
      await assert.rejects(startAsync(['trap', 'x', 'y'], options), {
        name: 'RuntimeError',
      });
      const { wasi, instance } = start(['exit', '0']);
      await wasi.startAsync(instance);
      await assert.rejects(wasi.startAsync(instance), {
        code: 'ERR_WASI_ALREADY_STARTED',
      });
    },
  );

  itSuspending('hands on what a function target throws', () => {
    const stdout = () => {
      throw new Error('of the function');
    };
    return assert.rejects(startAsync(['say', 'text'], { stdout }), {
      message: 'of the function',
    });
  });

  itWithout('says that this Node has it not', async () => {
    const { wasi, instance } = start(['exit', '0']);
    await assert.rejects(wasi.startAsync(instance), {
      code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      message: /^startAsync\(\) needs WebAssembly\.Suspending/,
    });
    assert.throws(() => start([], { suspending: true }), {
      code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
      message: /^options\.suspending needs/,
    });
  });

  it('refuses `suspending` that is no boolean', () => {
    assert.throws(() => start([], { suspending: 1 }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^options\.suspending must be a boolean/,
    });
  });
});
