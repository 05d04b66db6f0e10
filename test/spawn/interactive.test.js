'use strict';

// What a tool has written arrives while it goes on, and input reaches it.

const assert = require('node:assert/strict');
const { text } = require('node:stream/consumers');
const { describeNative } = require('../helpers/buffering');
const {
  assertEnded,
  streams,
  toolbox,
  untilText,
} = require('../helpers/tools');

describeNative('A tool that goes on', () => {
  async function ends(tool) {
    tool.kill();
    await assertEnded(tool, 'terminated');
  }

  for (const buffered of ['auto', true, false]) {
    it(`asks and is answered, buffered: ${buffered}`, async () => {
      const tool = streams(['ask'], { buffered });
      await untilText(tool.stdout, '? ');
      for (const answer of ['one', 'two', 'three']) {
        tool.stdin.write(answer);
        await untilText(tool.stdout, `! ${answer}? `);
      }
      tool.stdin.end();
      assert.equal((await tool).exitCode, 0);
    });

    it(`polls its input and output, buffered: ${buffered}`, async () => {
      const tool = streams(['poll'], { buffered });
      await untilText(tool.stdout, 'polls ');
      tool.stdin.write('input');
      assert.equal(await text(tool.stdout), 'input room');
      assert.equal((await tool).exitCode, 0);
    });

    for (const [title, name] of [
      ['waits for a time', 'sleep'],
      ['makes no further call', 'quiet'],
    ]) {
      it(`${title} has its output read, buffered: ${buffered}`, async () => {
        const tool = streams([name, 'a part'], { stderr: 'ignore', buffered });
        await untilText(tool.stdout, 'a part');
        await ends(tool);
      });
    }
  }

  it('polls an input that has ended', async () => {
    const tool = streams(['poll']);
    tool.stdin.end();
    assert.equal(await text(tool.stdout), 'polls  room');
  });

  it('has a function called with what it wrote before it waits', async () => {
    let told;
    const first = new Promise((resolve) => {
      told = resolve;
    });
    const tool = streams(['quiet', 'a part'], { stdout: told });
    assert.equal(Buffer.from(await first).toString(), 'a part');
    await ends(tool);
  });

  it('has what it said on stderr read at once', async () => {
    const tool = streams(['busy', 'out'], { stdout: 'ignore' });
    await untilText(tool.stderr, 'said');
    await ends(tool);
  });

  it('has its output in one piece and order, however it is flushed', async () => {
    const tool = toolbox(['lines', '300000'], { stdin: 'ignore' });
    let expected = 1;
    let rest = '';
    for await (const chunk of tool.stdout) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) assert.equal(line, `line ${expected++}`);
    }
    assert.deepEqual([rest, expected], ['', 300_001]);
    await tool;
  });
});
