'use strict';

// The process ends with tools running, or has an error that nobody takes.

const assert = require('node:assert/strict');
const { describeNative } = require('../helpers/buffering');
const { inChild } = require('../helpers/in-child');

const child = (body, flags) => inChild(body, [], flags);

describeNative('A process with tools', () => {
  it('ends by process.exit(), whatever they do', () => {
    const { status, stderr } = child(async () => {
      const { once } = require('node:events');
      const { spawn } = require('../..');
      const options = { env: { READY: '1' } };
      const tools = [];
      for (const name of ['busy', 'calls', 'sleep', 'count', 'ask']) {
        const args = [name];
        tools.push(spawn('../guests/streams.wasm', { args, ...options }));
      }
      await Promise.all(tools.map(({ stderr }) => once(stderr, 'data')));
      process.exit(7);
    });
    assert.deepEqual([status, stderr], [7, '']);
  });

  it('ends by process.exit() before they have begun', () => {
    const { status, stderr } = child(() => {
      const { run, spawn } = require('../..');
      spawn('../guests/streams.wasm', { args: ['busy'] });
      run('../guests/streams.wasm', { args: ['busy'], stdin: 'ignore' });
      process.exit(7);
    });
    assert.deepEqual([status, stderr], [7, '']);
  });

  it('has an exception of a consumer as any other', () => {
    const { status, stderr } = child(() => {
      const { spawn } = require('../..');
      const tool = spawn('../guests/toolbox.wasm', { args: ['forever'] });
      tool.stdout.on('data', () => {
        throw new Error('of the consumer');
      });
    });
    assert.equal(status, 1);
    assert.match(stderr, /Error: of the consumer/);
  });

  it('goes on after it, and so do its tools', () => {
    const { status, stdout } = child(async () => {
      const { spawn } = require('../..');
      const { text } = require('node:stream/consumers');
      const file = '../guests/toolbox.wasm';
      process.once('uncaughtException', (error) => {
        process.stdout.write(`${error.message} `);
      });
      const first = spawn(file, { args: ['say', 'text'] });
      const second = spawn(file, { args: ['cat'] });
      first.stdout.on('data', () => {
        throw new Error('of the consumer');
      });
      await first;
      second.stdin.end('and on');
      process.stdout.write(await text(second.stdout));
      await second;
    });
    assert.deepEqual([status, stdout], [0, 'of the consumer and on']);
  });

  for (const [title, start] of [
    ['run()', 'const tool = run(file, options)'],
    ['spawn()', 'const tool = spawn(file, { ...options, stdin: "ignore" })'],
  ]) {
    it(`ends by a rejection of ${title} that nobody takes`, () => {
      const body = new Function(`
        const { run, spawn } = require('../..');
        const file = '../guests/streams.wasm';
        const options = { args: ['sleep'], timeout: 20 };
        ${start};`);
      const { status, stderr } = child(`${body}`.replace(' anonymous', ''));
      assert.equal(status, 1);
      assert.match(stderr, /\[ETIMEDOUT\]: The tool was ended after 20 milli/);
    });
  }

  // V8 does not end this loop, and process.exit() waits for it.
  it('is told of the end of a tool whose thread does not end', () => {
    const { stdout } = child(async () => {
      const { run } = require('../..');
      await run('../guests/growing.wasm', { timeout: 20 }).catch(({ code }) => {
        require('node:fs').writeSync(1, code);
        process.kill(process.pid, 'SIGKILL');
      });
    });
    assert.equal(stdout, 'ETIMEDOUT');
  });

  it('may fail on a stream before it comes to await the tool', () => {
    const { status, stdout, stderr } = child(async () => {
      const { PassThrough } = require('node:stream');
      const { pipeline } = require('node:stream/promises');
      const { text } = require('node:stream/consumers');
      const { spawn } = require('../..');
      const file = '../guests/streams.wasm';
      const reader = new PassThrough();
      try {
        const tool = spawn(file, { args: ['sleep', 'text'] });
        tool.stderr.once('data', () => reader.destroy());
        reader.once('close', () => tool.kill());
        await pipeline(tool.stdout, reader);
        await tool;
      } catch ({ code }) {
        console.log(code);
      }
      try {
        const tool = spawn('nothing.wasm');
        console.log(await text(tool.stdout), await text(tool.stderr));
        await tool;
      } catch ({ code }) {
        console.log(code);
      }
      for (let i = 0; i < 100; i++)
        await require('timers/promises').setImmediate();
    });
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.equal(stdout, 'ERR_STREAM_PREMATURE_CLOSE\n \nENOENT\n');
  });

  it('may read the output first, and take the rejection then', () => {
    const { status, stdout, stderr } = child(async () => {
      const { once } = require('node:events');
      const { setImmediate: turn } = require('node:timers/promises');
      const { spawn } = require('../..');
      const tool = spawn('../guests/streams.wasm', { args: ['sleep', 'text'] });
      tool.stderr.resume();
      for await (const chunk of tool.stdout) {
        process.stdout.write(chunk);
        tool.kill();
        await once(tool.stdout, 'close');
        // It has rejected well before the caller comes to await it.
        for (let i = 0; i < 100; i++) await turn();
      }
      await tool.catch(({ code }) => process.stdout.write(` ${code}`));
    });
    assert.equal(stderr, '');
    assert.deepEqual([status, stdout], [0, 'text ERR_WASI_WRITEV_TERMINATED']);
  });

  for (const [title, isLate] of [
    ['before it has begun', false],
    ['in the middle', true],
  ]) {
    it(`is told of a thread that dies ${title}, and has another then`, () => {
      const { status, stdout, stderr } = child(`async () => {
        const { once } = require('node:events');
        const { run, spawn } = require('../..');
        const file = '../guests/streams.wasm';
        const began = once(process, 'worker');
        const tool = spawn(file, { args: ['busy'], env: { READY: '1' } });
        const [worker] = await began;
        if (${isLate}) await once(tool.stderr, 'data');
        worker.terminate();
        const { code } = await tool.catch((error) => error);
        const options = { args: ['fds'], stdin: 'ignore', encoding: 'utf8' };
        const { stdout } = await run(file, options);
        process.stdout.write(code + ' ' + stdout);
      }`);
      assert.equal(stderr, '');
      assert.deepEqual(
        [status, stdout],
        [0, 'ERR_WASI_WRITEV_TERMINATED 0 1 2 '],
      );
    });
  }

  it('has another thread where the one that waited dies', () => {
    const { status, stdout } = child(async () => {
      const { once } = require('node:events');
      const { run } = require('../..');
      const options = { args: ['fds'], stdin: 'ignore', encoding: 'utf8' };
      const began = once(process, 'worker');
      await run('../guests/streams.wasm', options);
      const [worker] = await began;
      await worker.terminate();
      const result = await run('../guests/streams.wasm', options);
      process.stdout.write(result.stdout);
    });
    assert.deepEqual([status, stdout], [0, '0 1 2 ']);
  });
});
