'use strict';

// A tool in one call: the differences of run() and runSync(), and that they leave
// nothing behind.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { run, runSync } = require('../..');
const {
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  itWithProc,
} = require('../helpers/descriptors');
const { itWithFull } = require('../helpers/full');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');

const TOOLBOX = guestPath('toolbox');

// Both return a promise, so that the tests are the same.
const WAYS = {
  run,
  runSync: async (...values) => runSync(...values),
};

for (const [name, start] of Object.entries(WAYS)) {
  describe(`${name}()`, () => {
    const dir = useHostFiles();

    /** The toolbox, with text as output. */
    const tool = (args, options) =>
      start(compile('toolbox'), { args, encoding: 'utf8', ...options });

    describe('leaves no descriptor open', () => {
      // The thread that waits for the next tool has some.
      before(() => tool(['exit']));

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

  it('run() rejects instead of throwing', async () => {
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

  it('runSync() keeps no output of tools that are over, in one turn', () => {
    const { before, after } = resultInChild(
      (file) => {
        const { runSync } = require('../..');
        const { rss } = process.memoryUsage;
        const stdin = Buffer.alloc(8 * 2 ** 20);
        const tool = new WebAssembly.Module(
          require('node:fs').readFileSync(file),
        );
        const once = () => {
          const { stdout } = runSync(tool, { args: ['cat'], stdin });
          if (stdout.length !== stdin.length) throw new Error('cut');
          globalThis.gc();
        };
        for (let i = 0; i < 5; i++) once();
        const result = { before: rss() };
        for (let i = 0; i < 30; i++) once();
        return { ...result, after: rss() };
      },
      [TOOLBOX],
      ['--expose-gc'],
    );
    // All outputs together would be 240 MiB.
    assert.ok(after - before < 100 * 2 ** 20, `${before}, ${after}`);
  });

  itWithProc('leave nothing behind, however often they are called', () => {
    fs.mkdirSync(dir.path('temporary'));
    const { before, after } = resultInChild(
      async (file, directory) => {
        const fs = require('node:fs');
        const { run, runSync } = require('../..');
        const { countDescriptors } = require('./descriptors');
        process.env.TMPDIR = `${directory}/temporary`;

        const state = () => {
          globalThis.gc();
          return {
            descriptors: [...countDescriptors()],
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
          // Finalizers of collected objects run between two tasks.
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
    assert.deepEqual(after.descriptors, before.descriptors);
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

  itWithFull('forget the bytes that could not be written', () => {
    // Another file soon gets the number of a closed descriptor.
    const [first, second] = resultInChild(
      async (file, other) => {
        const fs = require('node:fs');
        const { engine, run } = require('../..');
        const stdout = fs.openSync('/dev/full', 'w');
        const options = { args: ['lines', '2'], buffered: true, stdout };
        const { code } = await run(file, options).catch((error) => error);
        // With the fallback the tool itself got the errno.
        if (engine === 'native' && code !== 'ENOSPC') throw new Error(code);
        fs.closeSync(stdout);
        return [stdout, fs.openSync(other, 'w')];
      },
      [TOOLBOX, dir.path('other')],
    );
    assert.equal(first, second);
    assert.equal(dir.read('other'), '');
  });

  it('add at most one exit listener', () => {
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
