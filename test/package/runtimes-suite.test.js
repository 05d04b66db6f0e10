'use strict';

// Runs the tests of this project in Deno and Bun, both at once, except the tests in
// runtimes/left-out.js.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { LEFT_OUT } = require('./runtimes/left-out');
const { ROOT, createWorkplace, fetchRuntimes } = require('./support');

/** The least number of tests in each folder. */
const FOLDERS = {
  sandbox: 240,
  preview1: 570,
  output: 650,
  buffering: 540,
  api: 360,
  programs: 40,
  spawn: 40,
};

const DENO_AS_NODE = path.join(__dirname, 'runtimes/deno.cjs');

describe('The tests of Node', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  let commands;

  before(() => {
    const { bun, deno } = fetchRuntimes();
    commands = {
      Bun: [bun],
      Deno: [deno, 'run', '-A', '--no-lock', '--v8-flags=--expose-gc'],
    };
  });

  /** Runs the tests of a folder. Returns the output of mocha's reporter `json`. */
  async function resultsOf(runtime, folder) {
    const [program, ...args] = commands[runtime];
    const { files, titles } = LEFT_OUT[runtime];
    const results = path.join(workplace, `${runtime}-${folder}.json`);
    const child = spawn(
      program,
      [
        ...args,
        'node_modules/mocha/bin/mocha.js',
        ...(runtime === 'Deno' ? ['--require', DENO_AS_NODE] : []),
        ...['--no-config', '--timeout', '120000', '--extension', 'test.js'],
        ...['--reporter', 'json', '--reporter-option', `output=${results}`],
        ...files.flatMap((file) => ['--ignore', `test/${file}`]),
        ...['--grep', titles.join('|'), '--invert', `test/${folder}`],
      ],
      {
        cwd: ROOT,
        env: { ...process.env, WASI_WRITEV_ENGINE: 'native' },
      },
    );
    child.stdin.end();
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    assert.ok(
      fs.existsSync(results),
      `${runtime} ended early:\n${stdout}${stderr}`,
    );
    return JSON.parse(fs.readFileSync(results));
  }

  async function assertPasses(runtime, folder) {
    const { failures, stats } = await resultsOf(runtime, folder);
    const failed = failures.map(
      ({ fullTitle, err }) => `${runtime}: ${fullTitle}: ${err.message}`,
    );
    assert.deepEqual(failed, []);
    assert.ok(
      stats.passes >= FOLDERS[folder],
      `${stats.passes} tests passed in ${runtime}`,
    );
  }

  for (const folder of Object.keys(FOLDERS)) {
    it(`in test/${folder} pass in Deno and Bun`, () =>
      Promise.all(
        Object.keys(LEFT_OUT).map((runtime) => assertPasses(runtime, folder)),
      ));
  }
});
