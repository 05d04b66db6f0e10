'use strict';

// A slow reader makes the tool wait, and a tool that does not read makes its source
// wait: memory stays bounded.

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { Readable, Writable } = require('node:stream');
const { setImmediate: turn } = require('node:timers/promises');
const { run } = require('../..');
const { describeNative } = require('../helpers/buffering');
const { compile } = require('../helpers/guest');
const { pattern } = require('../helpers/bytes');
const { streams, toolbox } = require('../helpers/tools');

const MIB = 2 ** 20;
const CHUNK = pattern(MIB);
const COUNT = 256; // MiB

/** How much is taken from it, and its hash. */
class Sum {
  length = 0;
  #hash = createHash('sha1');

  take(chunk) {
    this.length += chunk.length;
    this.#hash.update(chunk);
  }

  get digest() {
    return this.#hash.digest('hex');
  }
}

function* chunks(count, taken = () => {}) {
  for (let i = 0; i < count; i++) {
    taken(i);
    yield CHUNK;
  }
}

/** The most that the memory of this process has grown by during `action`, in MiB. */
async function growthOf(action) {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  try {
    await action();
  } finally {
    clearInterval(timer);
  }
  return (most - before) / MIB;
}

const TARGETS = {
  'a function': (sum) => (chunk) => sum.take(chunk),
  'a slow function': (sum) => async (chunk) => {
    await turn();
    sum.take(chunk);
  },
  'a Writable': (sum) =>
    new Writable({
      write(chunk, encoding, callback) {
        sum.take(chunk);
        setImmediate(callback);
      },
    }),
  'a WritableStream': (sum) =>
    new WritableStream({
      async write(chunk) {
        await turn();
        sum.take(chunk);
      },
    }),
};

describeNative('Much output', function () {
  const expected = new Sum();
  let digest;

  before(async () => {
    for (const chunk of chunks(COUNT)) expected.take(chunk);
    digest = expected.digest;
    await run(compile('toolbox'), { args: ['cat'], stdin: [CHUNK] });
  });

  it('goes through cat, in and out, in little memory', async () => {
    const sum = new Sum();
    const tool = toolbox(['cat'], { stdin: chunks(COUNT) });
    const growth = await growthOf(async () => {
      for await (const chunk of tool.stdout) sum.take(chunk);
      assert.equal((await tool).exitCode, 0);
    });
    assert.deepEqual([sum.length, sum.digest], [COUNT * MIB, digest]);
    assert.ok(growth < COUNT / 2, `${growth} MiB`);
  });

  for (const [title, target] of Object.entries(TARGETS)) {
    it(`goes to ${title} whole`, async () => {
      const sum = new Sum();
      const { exitCode } = await run(compile('toolbox'), {
        args: ['cat'],
        stdin: chunks(16),
        stdout: target(sum),
      });
      const same = new Sum();
      for (const chunk of chunks(16)) same.take(chunk);
      assert.deepEqual([exitCode, sum.length], [0, 16 * MIB]);
      assert.equal(sum.digest, same.digest);
    });
  }

  it('that nobody reads waits in the tool', async () => {
    const tool = streams(['count'], { stdin: 'ignore' });
    await new Promise((resolve) => {
      tool.stdout.once('readable', resolve);
    });
    const growth = await growthOf(
      () => new Promise((resolve) => setTimeout(resolve, 300)),
    );
    assert.ok(tool.stdout.readableLength < MIB);
    assert.ok(growth < 50, `${growth} MiB`);
    tool.kill();
    await assert.rejects(tool);
  });

  it('of a source waits there when the tool does not read', async () => {
    let given = 0;
    const stdin = Readable.from(chunks(COUNT, () => given++));
    const tool = streams(['sleep', 'text'], { stdin });
    await new Promise((resolve) => {
      tool.stderr.once('readable', resolve);
    });
    for (let i = 0; i < 1000; i++) await turn();
    assert.ok(given < 10, `${given} MiB were taken`);
    tool.kill();
    await assert.rejects(tool);
  });

  it('makes write() of stdin say false, and drain later', async () => {
    const tool = toolbox(['cat'], { stdout: 'ignore' });
    let count = 0;
    while (tool.stdin.write(CHUNK)) count++;
    assert.ok(count < 10, `${count} MiB`);
    await new Promise((resolve) => {
      tool.stdin.once('drain', resolve);
    });
    tool.stdin.end();
    assert.equal((await tool).exitCode, 0);
  });
});
