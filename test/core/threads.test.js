'use strict';

// test/core/threads: the table that threads share, without Node, under
// ThreadSanitizer. Guests join, call and leave at the same time.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { useTempDir } = require('../helpers/temp');

const RUN = path.join(__dirname, 'threads', 'run');
const SECONDS = 5;

/** Whether the C compiler has it, and the kernel's address layout allows it. */
function hasThreadSanitizer(program) {
  const { status } = spawnSync(
    process.env.CC ?? 'cc',
    ['-fsanitize=thread', '-x', 'c', '-o', program, '-'],
    { input: 'int main(void) { return 0; }' },
  );
  return status === 0 && spawnSync(program).status === 0;
}

describe('The threads of the core', () => {
  const dir = useTempDir();

  it('share one table, and no record goes to a wrong file', function () {
    if (process.platform !== 'linux' || !hasThreadSanitizer(dir.path('empty')))
      this.skip();
    const { status, stdout, stderr } = spawnSync(
      'sh',
      [RUN, '--seconds', SECONDS],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /\d+ records/);
  });
});
