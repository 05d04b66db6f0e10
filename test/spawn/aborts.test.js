'use strict';

// A tool that writes is ended at any moment: what arrived is what it was told, whole
// and in order.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { run } = require('../..');
const { describeNative } = require('../helpers/buffering');
const { compile } = require('../helpers/guest');
const { Random } = require('../helpers/random');
const { useTempDir } = require('../helpers/temp');
const { streams } = require('../helpers/tools');

const TIMES = 30;
const LONGEST = 40; // ms
const EVERY = 1000; // numbers, of which the guest leaves one in its file
const NEVER = 2 ** 31 - 1; // ms

/** How many numbers from 1 on there are, and nothing else. */
function countOf(bytes) {
  assert.equal(bytes.length % 8, 0);
  for (let i = 0; i < bytes.length / 8; i++) {
    if (bytes.readBigUInt64LE(8 * i) !== BigInt(i + 1)) {
      assert.fail(`${bytes.readBigUInt64LE(8 * i)} at ${i}`);
    }
  }
  return bytes.length / 8;
}

const TARGETS = {
  pipe: async (tool, chunks) => {
    for await (const chunk of tool.stdout) chunks.push(chunk);
  },
  'a function': async () => {},
  capture: async () => {},
};

describeNative('A tool that is ended at any moment', () => {
  const dir = useTempDir();

  before(() => run(compile('streams'), { args: ['fds'], stdin: 'ignore' }));

  for (const [title, read] of Object.entries(TARGETS)) {
    for (const buffered of ['auto', false]) {
      it(`has all arrive that it was told: ${title}, ${buffered}`, async () => {
        const random = new Random(title.length);
        for (let i = 0; i < TIMES; i++) {
          const file = dir.path('told');
          fs.writeFileSync(file, Buffer.alloc(8));
          const chunks = [];
          const stdout =
            title === 'a function' ? (chunk) => void chunks.push(chunk) : title;
          const tool = streams(['count', '/told'], {
            preopens: { '/': dir.path('') },
            stdin: 'ignore',
            stdout,
            buffered,
            // What it has written goes out, however long that takes.
            forceKillAfterDelay: NEVER,
          });
          const reading = read(tool, chunks);
          await sleep(random.below(LONGEST));
          tool.kill();
          const error = await tool.catch((thrown) => thrown);
          await reading;
          assert.equal(error.isTerminated, true, error.stack);
          const arrived = countOf(error.stdout ?? Buffer.concat(chunks));
          const told = Number(fs.readFileSync(file).readBigUInt64LE());
          assert.equal(told % EVERY, 0);
          assert.ok(arrived >= told, `${arrived} of ${told}`);
          if (!buffered) assert.ok(arrived < told + 2 * EVERY + 1);
        }
      });
    }
  }
});
