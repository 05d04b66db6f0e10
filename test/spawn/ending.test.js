'use strict';

// A tool is ended from outside: by kill(), a signal, a timeout.

const assert = require('node:assert/strict');
const { Readable, Writable } = require('node:stream');
const { text } = require('node:stream/consumers');
const { run } = require('../..');
const { describeNative } = require('../helpers/buffering');
const {
  itWithProc,
  soon,
  sumOfDescriptors,
} = require('../helpers/descriptors');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { useTempDir } = require('../helpers/temp');
const {
  assertEnded,
  firstOf,
  readyStreams,
  streams,
  toolbox,
  untilText,
} = require('../helpers/tools');

const SOON = 30; // ms: the tool is in its wait

// Tools of streams.c that never end. `orderly`: its next call ends it.
const WAITS = {
  'a loop without a call': { args: ['busy'] },
  'a loop of calls': { args: ['calls'], orderly: true },
  'a wait for a time': { args: ['sleep'], orderly: true },
  'a write to a full pipe': { args: ['count'] },
  'a write to a full pipe that is not buffered': {
    args: ['count'],
    options: () => ({ buffered: false }),
    orderly: true,
  },
  'a read of an empty pipe': { args: ['ask'], orderly: true },
  'a poll of an empty pipe': { args: ['poll'], orderly: true },
  'a write to a function that is never done': {
    args: ['count'],
    options: () => ({ stdout: () => new Promise(() => {}) }),
  },
  'a write to a Writable that takes nothing': {
    args: ['count'],
    options: () => ({ stdout: new Writable({ write() {} }) }),
  },
  'a write to a WritableStream that takes nothing': {
    args: ['count'],
    options: () => ({
      stdout: new WritableStream({ write: () => new Promise(() => {}) }),
    }),
  },
  'a read of a Readable that gives nothing': {
    args: ['ask'],
    options: () => ({ stdin: new Readable({ read() {} }) }),
    orderly: true,
  },
};

const WAYS = {
  'kill()': async (start) => {
    const { tool, ready } = start();
    await ready;
    setTimeout(() => tool.kill(), SOON);
    await assertEnded(tool, 'terminated');
    return { tool }; // which is a promise
  },
  'a signal': async (start) => {
    const controller = new AbortController();
    const { tool, ready } = start({ signal: controller.signal });
    await ready;
    setTimeout(() => controller.abort(), SOON);
    await assertEnded(tool, 'canceled');
    return { tool };
  },
  'a timeout': async (start) => {
    const { tool, ready } = start({ timeout: 10 * SOON });
    await ready.catch(() => {}); // on a busy machine it may come too late
    await assertEnded(tool, 'timedOut');
    return { tool };
  },
};

describeNative('A tool in', () => {
  let before;

  beforeEach(async () => {
    await run(compile('toolbox'), { stdin: 'ignore' });
    before = sumOfDescriptors();
  });

  for (const [title, { args, options, orderly }] of Object.entries(WAITS)) {
    for (const [way, end] of Object.entries(WAYS)) {
      itWithProc(`${title} is ended by ${way}`, async () => {
        // An orderly end needs no force.
        const forceKillAfterDelay = orderly ? 2 ** 31 - 1 : undefined;
        const { tool } = await end((more) =>
          readyStreams(args, { forceKillAfterDelay, ...options?.(), ...more }),
        );
        tool.stdout?.resume();
        await soon(() => assert.equal(sumOfDescriptors(), before));
        assert.notEqual(tool.stdin?.destroyed, false);
      });
    }
  }
});

describeNative('The end of a tool', () => {
  const dir = useTempDir();

  it('leaves what it wrote to files', async () => {
    const preopens = { '/': dir.path('') };
    const tool = streams(['note', '/file', 'text'], { preopens });
    assert.equal(await firstOf(tool.stdout), 'noted');
    tool.kill();
    await assertEnded(tool, 'terminated');
    assert.equal(dir.read('file'), 'text');
  });

  for (const [title, args, forceKillAfterDelay] of [
    ['', ['sleep', 'so far'], 2 ** 31 - 1],
    [' by force', ['busy', 'so far'], 0],
  ]) {
    it(`${title} has its output so far with the error`.trim(), async () => {
      const controller = new AbortController();
      const tool = run(compile('streams'), {
        args,
        encoding: 'utf8',
        stdin: 'ignore',
        stdout: 'capture',
        // Comes after what is on stdout.
        stderr: () => controller.abort(),
        signal: controller.signal,
        forceKillAfterDelay,
      });
      const { stdout, stdoutTruncated, stderr, stderrTruncated } =
        await assertEnded(tool, 'canceled');
      assert.deepEqual(
        { stdout, stdoutTruncated, stderr, stderrTruncated },
        {
          stdout: 'so far',
          stdoutTruncated: false,
          stderr: null,
          stderrTruncated: false,
        },
      );
    });
  }

  it('says how long the time was', async () => {
    const tool = streams(['sleep'], { timeout: 7 });
    const { message } = await assertEnded(tool, 'timedOut');
    assert.match(message, /7 milliseconds/);
  });

  it('ends the streams of the caller', async () => {
    const tool = streams(['ask']);
    await untilText(tool.stdout, '? ');
    const rest = Promise.all([text(tool.stdout), text(tool.stderr)]);
    tool.kill();
    await assertEnded(tool, 'terminated');
    assert.deepEqual(await rest, ['', '']);
    assert.equal(tool.stdin.destroyed, true);
  });

  it('comes once: what follows is false, and changes nothing', async () => {
    const controller = new AbortController();
    const tool = streams(['sleep'], { signal: controller.signal });
    assert.deepEqual([tool.kill(), tool.kill()], [true, false]);
    controller.abort();
    await assertEnded(tool, 'terminated');
    assert.equal(tool.kill(), false);
  });

  it('by kill() is none where the tool has ended itself', async () => {
    const tool = toolbox(['exit', '3']);
    assert.equal((await tool).exitCode, 3);
    assert.equal(tool.kill(), false);
  });

  it('may come before the tool was there', async () => {
    const source = guestPath('toolbox');
    const tool = require('../..').spawn(source, { args: ['forever'] });
    assert.equal(tool.kill(), true);
    assert.equal(await text(tool.stdout), '');
    await assertEnded(tool, 'terminated');
  });

  it('by a signal in the same turn comes before the tool', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error('mine');
    const tool = toolbox(['forever'], { signal });
    controller.abort(reason);
    assert.equal((await assertEnded(tool, 'canceled')).cause, reason);
  });

  it('by a signal that was aborted before runs nothing', async () => {
    const preopens = { '/': dir.path('') };
    const signal = AbortSignal.abort();
    const args = ['write', '/file', 'text'];
    await assertEnded(toolbox(args, { preopens, signal }), 'canceled');
    assert.throws(() => dir.read('file'), { code: 'ENOENT' });
  });

  it('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const added = [];
    const wrapped = {
      aborted: false,
      addEventListener: (...of) => added.push(of),
      removeEventListener: (name, listener) =>
        added.splice(
          added.findIndex((of) => of[0] === name && of[1] === listener),
          1,
        ),
    };
    assert.equal(signal.aborted, wrapped.aborted);
    const tool = toolbox(['exit'], { signal: wrapped });
    assert.equal(added.length, 1);
    await tool;
    assert.deepEqual(added, []);
  });

  it('by a timeout of 0 is none', async () => {
    const tool = toolbox(['cat'], { timeout: 0 });
    setTimeout(() => tool.stdin.end(), SOON); // any timer of the tool comes before
    assert.equal((await tool).exitCode, 0);
  });

  it('by Symbol.asyncDispose leaves no stream open, and does not reject', async () => {
    const tool = toolbox(['forever']);
    await firstOf(tool.stdout);
    await tool[Symbol.asyncDispose]();
    const { stdin, stdout, stderr } = tool;
    assert.ok([stdin, stdout, stderr].every(({ destroyed }) => destroyed));
    await assertEnded(tool, 'terminated');
  });
});
