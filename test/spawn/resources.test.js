'use strict';

// What many tools leave behind: nothing.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { describeNative } = require('../helpers/buffering');
const { itWithProc } = require('../helpers/descriptors');
const { commandLine, resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');

const MIB = 2 ** 20;

describeNative('Many tools', () => {
  const dir = useTempDir();

  itWithProc('in a row leave no descriptor, thread, listener or memory', () => {
    const { before, after } = resultInChild(
      async (directory) => {
        const fs = require('node:fs');
        const { text } = require('node:stream/consumers');
        const { PassThrough } = require('node:stream');
        const { spawn } = require('../..');
        const { soon, sumOfDescriptors } = require('./descriptors');
        process.env.TMPDIR = directory;
        const controller = new AbortController();
        const sink = new PassThrough().resume();
        require('node:events').setMaxListeners(0, sink, controller.signal);
        const module = new WebAssembly.Module(
          fs.readFileSync('../guests/toolbox.wasm'),
        );
        const input = Buffer.alloc(2 ** 18, 'x');
        const start = (args, options) =>
          spawn(module, { args, signal: controller.signal, ...options });

        // Each once: what a caller does.
        const ways = [
          async () => {
            const tool = start(['cat']);
            tool.stdin.end(input);
            const { length } = await text(tool.stdout);
            if (length !== input.length) throw new Error(`${length}`);
            await tool;
          },
          () => start(['cat'], { stdin: input, stdout: 'capture' }),
          () => start(['say', 'out', 'err']), // nobody reads
          () => start(['lines', '10'], { stdout: sink, stderr: sink }),
          () => start(['lines', '10'], { stdin: [input], stdout: () => {} }),
          () => start(['trap', 'x', 'y']).catch(() => {}),
          async () => {
            const tool = start(['forever']);
            tool.stdout.once('data', () => tool.kill());
            await tool.catch(() => {});
          },
          () =>
            start(['forever'], { maxBuffer: 10, stdout: 'capture' }).catch(
              () => {},
            ),
          async () => {
            const tool = start(['forever']);
            await tool[Symbol.asyncDispose]();
          },
        ];
        const rounds = async (count) => {
          for (let i = 0; i < count; i++) await ways[i % ways.length]();
          globalThis.gc();
        };
        const listeners = () =>
          [process, sink].flatMap((emitter) =>
            emitter
              .eventNames()
              .map((name) => `${String(name)} ${emitter.listenerCount(name)}`),
          );
        const state = () => ({
          descriptors: sumOfDescriptors(),
          threads: fs.readdirSync('/proc/self/task').length,
          listeners: listeners(),
          temporary: fs.readdirSync(directory),
        });
        await rounds(150);
        await new Promise((resolve) => setTimeout(resolve, 200));
        const before = { ...state(), rss: process.memoryUsage.rss() };
        await rounds(500);
        let after;
        await soon(() => {
          after = state();
          if (after.descriptors > before.descriptors) throw new Error('open');
          if (after.threads > before.threads) throw new Error('threads');
        }).catch(() => {});
        return { before, after: { ...after, rss: process.memoryUsage.rss() } };
      },
      [dir.path('')],
      ['--expose-gc'],
    );
    const { rss: first, ...expected } = before;
    const { rss: last, ...found } = after;
    assert.deepEqual(found, expected);
    assert.ok(last - first < 60 * MIB, `${(last - first) / MIB} MiB more`);
  });

  // A thread is ended anywhere: also between the addon, which opens pipes, and Node,
  // which makes streams of them.
  itWithProc('leave nothing if the thread that starts them is ended', () => {
    const [before, after] = resultInChild(async () => {
      const { once } = require('node:events');
      const { Worker } = require('node:worker_threads');
      const { countDescriptors } = require('./descriptors');
      const pipes = () =>
        [...countDescriptors()]
          .filter(([target]) => target.startsWith('pipe:'))
          .reduce((sum, [, count]) => sum + count, 0);
      const program = `
        const { parentPort } = require('node:worker_threads');
        const { spawn } = require('../..');
        const module = new WebAssembly.Module(
          Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
        const signal = AbortSignal.abort();
        const start = () => spawn(module, { signal }).catch(() => {});
        (async () => {
          for (;;) {
            await Promise.all(Array.from({ length: 20 }, start));
            parentPort.postMessage('');
            await new Promise(setImmediate);
          }
        })();`;
      const first = pipes();
      for (let i = 0; i < 40; i++) {
        const worker = new Worker(program, { eval: true });
        await once(worker, 'message');
        await new Promise((resolve) => setTimeout(resolve, i % 7));
        await worker.terminate();
      }
      return [first, pipes()];
    });
    assert.equal(after, before);
  });

  itWithProc('keep nothing of what they have captured', () => {
    const [before, after] = resultInChild(
      async () => {
        const { run } = require('../..');
        const file = '../guests/toolbox.wasm';
        const stdin = Buffer.alloc(16 * 2 ** 20);
        const once = async () => {
          const { stdout } = await run(file, { args: ['cat'], stdin });
          if (stdout.length !== stdin.length) throw new Error('cut');
        };
        const rss = () => {
          globalThis.gc();
          return process.memoryUsage.rss();
        };
        for (let i = 0; i < 5; i++) await once();
        const first = rss();
        for (let i = 0; i < 40; i++) await once();
        return [first, rss()];
      },
      [],
      ['--expose-gc'],
    );
    // All of it would be 640 MiB. V8 frees the results when it likes.
    assert.ok(after - before < 320 * MIB, `${(after - before) / MIB} MiB`);
  });

  itWithProc('leave no pipe where the process has no descriptor left', () => {
    const { codes, before, after, stdout } = resultInChild(async () => {
      const { execFileSync } = require('node:child_process');
      const fs = require('node:fs');
      const { run, spawn } = require('../..');
      const { compile } = require('./guest');
      const { soon } = require('./descriptors');
      const tool = compile('toolbox');
      const options = { args: ['say', 'on'], stdin: 'ignore' };
      const pipes = () =>
        fs.readdirSync('/proc/self/fd').filter((fd) => {
          const file = `/proc/self/fd/${fd}`;
          return fs.existsSync(file) && fs.fstatSync(Number(fd)).isFIFO();
        }).length;
      await run(tool, options);
      const before = pipes();
      const codes = new Set();
      // A tool takes six, and finds any number of them.
      for (let limit = 105; limit >= 100; limit--) {
        execFileSync('prlimit', ['--pid', process.pid, `--nofile=${limit}`]);
        const started = [];
        for (let i = 0; i < 30; i++) {
          try {
            started.push(spawn(tool, { args: ['cat'] }));
          } catch ({ code }) {
            codes.add(code);
          }
        }
        for (const { stdin, stdout, stderr } of started) {
          for (const output of [stdout, stderr]) output.resume();
          stdin.end();
        }
        await Promise.allSettled(started);
      }
      let after;
      await soon(() => {
        after = pipes();
        if (after > before) throw new Error('open');
      }).catch(() => {});
      const { stdout } = await run(tool, options);
      return { codes: [...codes], before, after, stdout: String(stdout) };
    });
    assert.deepEqual([codes, stdout], [['EMFILE'], 'on']);
    assert.equal(after, before);
  });

  itWithProc('at once have each its own, and leave nothing', () => {
    const { outputs, before, after } = resultInChild(async () => {
      const { run } = require('../..');
      const { soon, sumOfDescriptors } = require('./descriptors');
      const file = '../guests/toolbox.wasm';
      const say = (i) =>
        run(file, {
          args: ['cat'],
          env: { I: String(i) },
          stdin: `tool ${i}`,
          encoding: 'utf8',
        });
      await say(0);
      const before = sumOfDescriptors();
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => say(i)),
      );
      let after;
      await soon(() => {
        after = sumOfDescriptors();
        if (after > before) throw new Error('open');
      }).catch(() => {});
      return { outputs: results.map(({ stdout }) => stdout), before, after };
    });
    assert.deepEqual(
      outputs,
      Array.from({ length: 50 }, (_, i) => `tool ${i}`),
    );
    assert.equal(after, before);
  });

  itWithProc('that find no descriptor say so, and leave none', () => {
    const body = async () => {
      const fs = require('node:fs');
      const { run, spawn } = require('../..');
      const { soon, sumOfDescriptors } = require('./descriptors');
      const file = '../guests/toolbox.wasm';
      const once = () => run(file, { stdin: 'ignore', args: ['exit'] });
      await once();
      const before = sumOfDescriptors();
      const opened = [];
      try {
        for (;;) opened.push(fs.openSync('/dev/null'));
      } catch {
        // There are none left.
      }
      const codes = [];
      while (!codes.includes('ran')) {
        try {
          await spawn(file, { args: ['exit'] });
          codes.push('ran');
        } catch ({ code }) {
          codes.push(code);
        }
        fs.closeSync(opened.pop());
      }
      opened.forEach((fd) => fs.closeSync(fd));
      await once();
      await soon(() => {
        const left = sumOfDescriptors() - before;
        if (left > 0) throw new Error(`${left} descriptors are left`);
      });
      process.stdout.write(codes.join(' '));
    };
    const few = ['-c', 'ulimit -n 100 && exec "$@"', 'sh'];
    const { status, stdout, stderr } = spawnSync(
      'sh',
      [...few, ...commandLine(body)],
      { cwd: path.join(__dirname, '..', 'helpers'), encoding: 'utf8' },
    );
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^(EMFILE )+ran$/);
  });
});
