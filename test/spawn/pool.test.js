'use strict';

// The threads of tools: how many wait for the next, and what a tool leaves to it.

const assert = require('node:assert/strict');
const { run, setPoolSize } = require('../..');
const { describeNative } = require('../helpers/buffering');
const { compile } = require('../helpers/guest');
const { inChild, resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');
const { streams } = require('../helpers/tools');

const fds = () =>
  run(compile('streams'), { args: ['fds'], encoding: 'utf8', stdin: 'ignore' });

describeNative('setPoolSize()', () => {
  for (const [code, size] of [
    ['ERR_INVALID_ARG_TYPE', undefined],
    ['ERR_INVALID_ARG_TYPE', '1'],
    ['ERR_OUT_OF_RANGE', -1],
    ['ERR_OUT_OF_RANGE', 1.5],
    ['ERR_OUT_OF_RANGE', 1025],
  ]) {
    it(`refuses ${size} of type ${typeof size}`, () =>
      assert.throws(() => setPoolSize(size), { code, message: /size/ }));
  }

  // In a process of its own, whose threads are counted.
  async function threadsAfter(sizes) {
    const fs = require('node:fs');
    const { run, setPoolSize, spawn } = require('../..');
    const file = '../guests/toolbox.wasm';
    const endless = '../guests/streams.wasm';
    const count = () => fs.readdirSync('/proc/self/task').length;
    const { soon } = require('./descriptors');
    const runs = (n) =>
      Promise.all(
        Array.from({ length: n }, () => run(file, { stdin: 'ignore' })),
      );
    const before = count();
    // The threads of libuv come with the first file.
    await fs.promises.readFile(file);
    setPoolSize(0);
    await runs(4);
    let base = Infinity;
    await soon(() => {
      const least = base;
      base = count();
      if (base < least) throw new Error('it still falls');
    });
    const found = [];
    for (const size of sizes) {
      setPoolSize(size);
      await runs(4);
      const killed = spawn(endless, { args: ['busy'] });
      killed.kill();
      await killed.catch(() => {});
      await soon(() => {
        if (count() !== base + size) throw new Error(`${count()}, ${base}`);
      });
      found.push(size);
    }
    return { found, before: before > 0 };
  }

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('says how many threads wait, also after one was terminated', () => {
    const sizes = [0, 1, 3, 1, 0];
    const { found } = resultInChild(threadsAfter, [sizes]);
    assert.deepEqual(found, sizes);
  });

  it('starts no thread in place of one that is too many', () => {
    const started = resultInChild(async () => {
      const { run } = require('../..');
      let count = 0;
      process.on('worker', () => count++);
      const { compile } = require('./guest');
      const tool = compile('toolbox'); // so that all four start at once
      const options = { args: ['say'], stdin: 'ignore' };
      for (let i = 0; i < 10; i++) {
        await Promise.all([1, 2, 3, 4].map(() => run(tool, options)));
      }
      return count;
    }, []);
    // Of each four, one finds the idle thread.
    assert.equal(started, 1 + 10 * 3);
  });
});

describeNative('The thread of a tool', () => {
  const dir = useTempDir();

  it('has nothing of the tool before', async () => {
    const { stdout: expected } = await fds();
    const preopens = { '/': dir.path('') };
    const env = { LEFT: 'left' };
    for (const args of [
      ['leave', '/one', '/two'],
      ['trap', 'x', 'y'],
      ['exit', '3'],
    ]) {
      const options = { args, preopens, env, stdin: 'ignore' };
      await run(compile('toolbox'), options).catch(() => {});
      assert.equal((await fds()).stdout, expected);
      const { stdout } = await run(compile('toolbox'), {
        args: ['env'],
        encoding: 'utf8',
      });
      assert.equal(stdout, '');
    }
    const killed = streams(['sleep'], { preopens });
    killed.kill();
    await assert.rejects(killed);
    assert.equal((await fds()).stdout, expected);
  });

  it('runs on after a full stack and a full memory', async () => {
    for (let i = 0; i < 3; i++) {
      await assert.rejects(run(compile('overflow')), { name: 'RangeError' });
      const options = { args: ['fill'], encoding: 'utf8' };
      const { stdout } = await run(compile('streams'), options);
      assert.equal(stdout, 'full');
    }
  });

  for (const [title, size] of [
    ['waits', 1],
    ['is not kept', 0],
  ]) {
    it(`keeps no process when it ${title}`, () => {
      const { status, stdout, stderr } = inChild(
        async (n) => {
          const { run, setPoolSize } = require('../..');
          setPoolSize(n);
          const options = { args: ['say', 'done'], stdout: 'inherit' };
          await run('../guests/toolbox.wasm', options);
        },
        [size],
      );
      assert.deepEqual([status, stdout, stderr], [0, 'done', '']);
    });
  }

  it('keeps the process as long as the tool runs', () => {
    const { status, stdout } = inChild(() => {
      const { spawn } = require('../..');
      const options = { stdin: 'ignore', stdout: 'inherit', stderr: 'ignore' };
      spawn('../guests/toolbox.wasm', { args: ['lines', '1000'], ...options });
    });
    assert.equal(status, 0);
    assert.match(stdout, /line 1000\n$/);
  });

  it('runs no preload of this process', () => {
    const preload = dir.path('preload.cjs');
    dir.write(
      'preload.cjs',
      "require('node:fs').appendFileSync(__filename + '.log', 'ran ');",
    );
    const { status, stdout, stderr } = inChild(
      async () => {
        const { run } = require('../..');
        const options = { stdout: 'inherit', stdin: 'ignore' };
        await run('../guests/toolbox.wasm', options);
      },
      [],
      ['--require', preload],
      { NODE_OPTIONS: `--require "${preload}"` },
    );
    assert.deepEqual([status, stdout, stderr], [0, 'hello\n', '']);
    // Both flags are for the same file, which runs once.
    assert.equal(dir.read('preload.cjs.log'), 'ran ');
  });

  it('may be of a worker, and goes with it', () => {
    const { status, stdout, stderr } = inChild(async () => {
      const { once } = require('node:events');
      const { Worker } = require('node:worker_threads');
      const { soon, sumOfDescriptors } = require('./descriptors');
      const before = sumOfDescriptors();
      const code = `
        const { parentPort } = require('node:worker_threads');
        const { run, spawn } = require('../..');
        const file = '../guests/toolbox.wasm';
        run(file, { args: ['cat'], stdin: 'in a worker' }).then(({ stdout }) => {
          for (let i = 0; i < 3; i++) spawn(file, { args: ['forever'] });
          const tool = spawn(file, { args: ['forever'] });
          tool.stdout.once('data', () => parentPort.postMessage(String(stdout)));
        });`;
      const worker = new Worker(code, { eval: true });
      const [text] = await once(worker, 'message');
      process.stdout.write(text);
      await worker.terminate();
      await soon(() => {
        const left = sumOfDescriptors() - before;
        if (left > 0) throw new Error(`${left} descriptors are left`);
      });
    });
    assert.deepEqual([status, stdout, stderr], [0, 'in a worker', '']);
  });
});

describeNative('A thread with another copy of the addon', () => {
  for (const stdout of ['capture', 'ignore']) {
    it(`says so, stdout: ${stdout}`, () => {
      const { code, message } = resultInChild(
        async (output) => {
          const path = require('node:path');
          const { run } = require('../..');
          const { copyPackage } = require('./copy');
          process.env.WASI_WRITEV_THREAD = path.join(
            copyPackage(),
            'lib/spawn/worker.js',
          );
          return run('../guests/toolbox.wasm', {
            stdin: 'ignore',
            stdout: output,
            stderr: output,
          }).catch((error) => ({ code: error.code, message: error.message }));
        },
        [stdout],
      );
      assert.equal(code, 'ERR_WASI_WRITEV_NO_THREAD');
      assert.match(message, /the same copy of the addon/);
    });
  }
});
