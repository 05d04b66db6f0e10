'use strict';

// Runs the tests of this project in Deno and Bun, both at once, except the tests in
// runtimes/left-out.js.

const path = require('node:path');
const { LEFT_OUT } = require('./runtimes/left-out');
const { assertPasses, resultsOf } = require('./suite');
const { createWorkplace, fetchRuntimes } = require('./support');

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

  /** Runs the tests of a folder. */
  async function assertFolderPasses(runtime, folder) {
    const results = await resultsOf({
      command: commands[runtime],
      flags: [
        ...(runtime === 'Deno' ? ['--require', DENO_AS_NODE] : []),
        ...['--timeout', '120000'],
      ],
      leftOut: LEFT_OUT[runtime],
      paths: [`test/${folder}`],
      env: { WASI_WRITEV_ENGINE: 'native' },
      output: path.join(workplace, `${runtime}-${folder}.json`),
    });
    assertPasses(runtime, results, FOLDERS[folder]);
  }

  for (const folder of Object.keys(FOLDERS)) {
    it(`in test/${folder} pass in Deno and Bun`, () =>
      Promise.all(
        Object.keys(LEFT_OUT).map((runtime) =>
          assertFolderPasses(runtime, folder),
        ),
      ));
  }
});
