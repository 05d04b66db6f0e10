'use strict';

// Runs tests of this project in another process.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { text } = require('node:stream/consumers');
const { ROOT } = require('./support');

/**
 * @param {object} options `command`: the runtime and its arguments; `flags` for mocha;
 *   `leftOut`: the `files` of test/ and the parts of `titles` that are not run; `paths`:
 *   the files and folders to run; `env`: further variables; `output`: where the results
 *   go meanwhile
 * @returns {Promise<object>} the output of mocha's reporter `json`
 */
async function resultsOf({ command, flags, leftOut, paths, env, output }) {
  const [program, ...args] = command;
  const { files, titles } = leftOut;
  const child = spawn(
    program,
    [
      ...args,
      'node_modules/mocha/bin/mocha.js',
      ...['--no-config', '--extension', 'test.js', ...flags],
      ...['--reporter', 'json', '--reporter-option', `output=${output}`],
      ...files.flatMap((file) => ['--ignore', `test/${file}`]),
      ...(titles.length > 0 ? ['--grep', titles.join('|'), '--invert'] : []),
      ...paths,
    ],
    { cwd: ROOT, env: { ...process.env, ...env } },
  );
  child.stdin.end();
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  assert.ok(
    fs.existsSync(output),
    `${program} ended early:\n${stdout}${stderr}`,
  );
  return JSON.parse(fs.readFileSync(output));
}

/** Asserts that no test failed, and that at least `least` passed. */
function assertPasses(name, { failures, stats }, least) {
  const failed = failures.map(
    ({ fullTitle, err }) =>
      `${name}: ${fullTitle}: ${err.message.slice(0, 500)}`,
  );
  assert.deepEqual(failed, []);
  assert.ok(stats.passes >= least, `${stats.passes} tests passed in ${name}`);
}

module.exports = { assertPasses, resultsOf };
