'use strict';

// Where the output of a tool may go.

const assert = require('node:assert/strict');
const { PassThrough, Writable } = require('node:stream');
const { text } = require('node:stream/consumers');
const { pipeline } = require('node:stream/promises');
const { setImmediate: turn } = require('node:timers/promises');
const { run } = require('../..');
const { describeNative } = require('../helpers/buffering');
const {
  itWithProc,
  soon,
  sumOfDescriptors,
} = require('../helpers/descriptors');
const { compile } = require('../helpers/guest');
const {
  assertEnded,
  streams,
  toolbox,
  untilText,
} = require('../helpers/tools');

const say = (options) =>
  run(compile('toolbox'), { args: ['say', 'out', 'err'], ...options });

const forever = (options) =>
  run(compile('toolbox'), { args: ['forever'], stdin: 'ignore', ...options });

// Each stops taking: a function gets a tool that writes for ever.
const FAILING = {
  'a function that throws': (error) => () => {
    throw error;
  },
  'a function whose promise is rejected': (error) => async () => {
    await turn();
    throw error;
  },
  'a Writable that fails': (error) =>
    new Writable({ write: (chunk, encoding, callback) => callback(error) }),
  'a WritableStream that fails': (error) =>
    new WritableStream({
      write() {
        throw error;
      },
    }),
};

const OVER = {
  'a Writable that has ended': [
    'ERR_STREAM_WRITE_AFTER_END',
    () => new PassThrough().end(),
  ],
  'a Writable that ends meanwhile': [
    'ERR_STREAM_WRITE_AFTER_END',
    () => {
      const target = new PassThrough().resume();
      target.once('data', () => target.end());
      return target;
    },
  ],
  'a Writable that was destroyed': [
    'ERR_STREAM_WRITE_AFTER_END',
    () => new PassThrough().destroy(),
  ],
  'a WritableStream that is locked': [
    'ERR_INVALID_STATE',
    () => {
      const target = new WritableStream();
      target.getWriter();
      return target;
    },
  ],
};

describeNative('stdout and stderr', () => {
  it('are chunks for functions, in order, each after the one before', async () => {
    const chunks = [];
    let isBusy = false;
    const { exitCode } = await run(compile('toolbox'), {
      args: ['lines', '20000'],
      async stdout(chunk) {
        assert.equal(isBusy, false);
        isBusy = true;
        await turn();
        isBusy = false;
        chunks.push(chunk);
      },
    });
    assert.equal(exitCode, 0);
    assert.equal(isBusy, false);
    const expected = Array.from(
      { length: 20_000 },
      (_, i) => `line ${i + 1}\n`,
    );
    assert.equal(Buffer.concat(chunks).toString(), expected.join(''));
  });

  it('go to a WritableStream, which stays open and is let go', async () => {
    const chunks = [];
    const stdout = new WritableStream({
      write: (chunk) => void chunks.push(chunk),
    });
    await say({ stdout });
    assert.equal(Buffer.concat(chunks).toString(), 'out');
    const writer = stdout.getWriter();
    await writer.write(Buffer.from(', more'));
    assert.equal(Buffer.concat(chunks).toString(), 'out, more');
  });

  it('go to one Writable, which is not ended', async () => {
    const both = new PassThrough();
    await say({ stdout: both, stderr: both });
    assert.deepEqual([both.writableEnded, both.destroyed], [false, false]);
    for (const name of ['error', 'drain', 'close']) {
      assert.equal(both.listenerCount(name), 0, name);
    }
    both.end();
    assert.match(await text(both), /^(outerr|errout)$/);
  });

  for (const [title, target] of Object.entries(FAILING)) {
    for (const name of ['stdout', 'stderr']) {
      itWithProc(`hand on the error of ${title} (${name})`, async () => {
        await run(compile('toolbox'), { stdin: 'ignore' });
        const before = sumOfDescriptors();
        const error = new Error('of the target');
        const options = { [name]: target(error) };
        const start = name === 'stdout' ? forever : say;
        await assert.rejects(start(options), (thrown) => thrown === error);
        await soon(() => assert.equal(sumOfDescriptors(), before));
      });
    }
  }

  it('hand on what is thrown that is no error', () =>
    assert.rejects(
      forever({
        stdout() {
          throw 'a string';
        },
      }),
      (thrown) => thrown === 'a string',
    ));

  for (const [title, [code, target]] of Object.entries(OVER)) {
    itWithProc(`reject for ${title}`, async () => {
      await run(compile('toolbox'), { stdin: 'ignore' });
      const before = sumOfDescriptors();
      await assert.rejects(forever({ stdout: target() }), { code });
      await soon(() => assert.equal(sumOfDescriptors(), before));
    });
  }

  itWithProc('that nobody reads are closed after the tool', async () => {
    await run(compile('toolbox'), { stdin: 'ignore' });
    const before = sumOfDescriptors();
    const tool = toolbox(['say', 'out', 'err']);
    await tool;
    await soon(() => assert.equal(sumOfDescriptors(), before));
    // A loss is told.
    await assert.rejects(text(tool.stdout), {
      code: 'ERR_STREAM_PREMATURE_CLOSE',
    });
  });

  it('of an error from a function are its own, or those of the tool', async () => {
    const said = { args: ['say', 'out', 'err'], encoding: 'utf8' };
    const thrownBy = (error) =>
      run(compile('toolbox'), {
        ...said,
        stderr: () => {
          throw error;
        },
      }).catch((thrown) => thrown);
    const own = Object.assign(new Error('of a child'), { stdout: 'its own' });
    assert.equal(await thrownBy(own), own);
    assert.equal(own.stdout, 'its own');
    const plain = new Error('plain');
    assert.equal(await thrownBy(plain), plain);
    assert.equal(plain.stdout, 'out');
  });

  it('without bytes have an end for a late reader', async () => {
    const tool = toolbox(['say', 'out']);
    await tool;
    await soon(() => assert.ok(tool.stderr.destroyed));
    assert.equal(await text(tool.stderr), '');
  });

  it('of many tools may go to one Writable without a warning', async () => {
    const warnings = [];
    const warn = (warning) => warnings.push(warning);
    process.on('warning', warn);
    const sink = new Writable({ write: (chunk, encoding, done) => done() });
    const most = sink.getMaxListeners();
    const say = () => run(compile('toolbox'), { args: ['say'], stdout: sink });
    await Promise.all(Array.from({ length: 12 }, say));
    await new Promise(setImmediate);
    process.off('warning', warn);
    assert.deepEqual([warnings, sink.getMaxListeners()], [[], most]);
  });

  it('may be read once the tool has ended', async () => {
    const tool = toolbox(['say', 'out', 'err']);
    await tool;
    assert.equal(await text(tool.stdout), 'out');
  });

  it('whose reader goes are a closed pipe for the tool', async () => {
    const tool = toolbox(['lines', '1000000'], {
      stdin: 'ignore',
      stderr: 'capture',
    });
    tool.stdout.once('data', () => tool.stdout.destroy());
    const { exitCode, stderr } = await tool;
    assert.equal(exitCode, 1);
    assert.match(String(stderr), /^lines: Broken pipe/);
  });

  it('of one tool are the input of the next', async () => {
    const first = toolbox(['lines', '1000'], { stdin: 'ignore' });
    const second = toolbox(['cat']);
    const [output] = await Promise.all([
      text(second.stdout),
      pipeline(first.stdout, second.stdin),
    ]);
    assert.match(output, /^line 1\n[^]*\nline 1000\n$/);
    const third = toolbox(['lines', '10'], { stdin: 'ignore' });
    assert.match(
      (
        await run(compile('toolbox'), {
          args: ['cat'],
          encoding: 'utf8',
          stdin: third.stdout,
        })
      ).stdout,
      /^line 1\n[^]*\nline 10\n$/,
    );
    await Promise.all([first, second, third]);
  });

  for (const [title, args] of [
    ['closes', ['close', '1']],
    ['puts another in place of', ['move', '2', '1']],
  ]) {
    it(`end with what the guest ${title}`, async () => {
      const tool = streams(args, { stdin: 'ignore' });
      assert.equal(await text(tool.stdout), 'before');
      tool.kill();
      await assertEnded(tool, 'terminated');
    });
  }

  for (const [title, args, name, expected] of [
    ['over another', ['move', '1', '2'], 'stdout', 'before, after'],
    ['under another', ['move', '2', '1'], 'stderr', ', after'],
  ]) {
    it(`go on with what the guest moves ${title}`, async () => {
      const tool = streams(args, { stdin: 'ignore' });
      await untilText(tool[name], expected);
      tool.kill();
      await assertEnded(tool, 'terminated');
    });
  }

  it('with NONBLOCK take what there is room for', async () => {
    const tool = streams(['nonblock'], { stdin: 'ignore', stderr: 'capture' });
    const [told] = await Promise.all([
      tool.then(({ stderr }) => String(stderr)),
      tool.stdout.pause(), // nobody reads until it has ended
    ]);
    const [count, ...why] = told.split(' ');
    assert.equal(why.join(' '), 'Resource temporarily unavailable');
    assert.ok(Number(count) >= 4096, told);
    assert.equal((await text(tool.stdout)).length, Number(count));
  });
});
