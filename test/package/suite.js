'use strict';

// Runs tests of this project in another process: on another runtime, machine or
// platform.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { ROOT } = require('./support');

/**
 * Asserts that all tests pass that are not left out.
 *
 * @param {object} where
 * @param {string[]} where.command the program and its arguments, before mocha's
 * @param {object} [where.env] variables to set
 * @param {string[]} [where.flags] more arguments of mocha
 * @param {{ files?: string[], titles?: string[] }} [where.leftOut] files of test/, and
 *   regular expressions for titles
 * @param {string} where.results a path, for the report
 * @param {string[]} tests files and folders of test/
 * @param {number} least how many tests must pass
 */
async function assertPasses(where, tests, least) {
  const { command, env, flags = [], leftOut = {}, results } = where;
  const { files = [], titles = [] } = leftOut;
  const [program, ...args] = command;
  fs.rmSync(results, { force: true }); // those of another run
  const child = spawn(
    program,
    [
      ...args,
      'node_modules/mocha/bin/mocha.js',
      ...flags,
      ...['--no-config', '--timeout', '600000', '--extension', 'test.js'],
      ...['--reporter', 'json', '--reporter-option', `output=${results}`],
      ...files.flatMap((file) => ['--ignore', `test/${file}`]),
      ...(titles.length > 0 ? ['--grep', titles.join('|'), '--invert'] : []),
      ...tests.map((name) => path.join('test', name)),
    ],
    {
      cwd: ROOT,
      env: { ...process.env, WASI_WRITEV_ENGINE: 'native', ...env },
    },
  );
  child.stdin.end();
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  const words = `${program} ended early:\n${stdout}${stderr}`;
  assert.ok(fs.existsSync(results), words);
  const { failures, stats } = JSON.parse(fs.readFileSync(results));
  const failed = failures.map(
    ({ fullTitle, err }) => `${fullTitle}: ${err.message}`,
  );
  assert.deepEqual(failed, []);
  const passed = `${stats.passes} tests passed`;
  assert.ok(stats.passes >= least, `${passed}: too few`);
  console.log(`      ${passed}`); // docs/platforms.md has the numbers
}

module.exports = { assertPasses };
