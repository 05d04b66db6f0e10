'use strict';

// Runs the tests of this project in Deno and Bun, both at once, except the tests in
// runtimes/left-out.js.

const path = require('node:path');
const { LEFT_OUT } = require('./runtimes/left-out');
const { assertPasses } = require('./suite');
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
  let runtimes;

  before(() => {
    const { bun, deno } = fetchRuntimes();
    runtimes = {
      Bun: { command: [bun] },
      Deno: {
        command: [deno, 'run', '-A', '--no-lock', '--v8-flags=--expose-gc'],
        flags: ['--require', DENO_AS_NODE],
      },
    };
  });

  for (const [folder, least] of Object.entries(FOLDERS)) {
    it(`in test/${folder} pass in Deno and Bun`, () =>
      Promise.all(
        Object.entries(runtimes).map(([name, runtime]) =>
          assertPasses(
            {
              ...runtime,
              leftOut: LEFT_OUT[name],
              results: path.join(workplace, `${name}-${folder}.json`),
            },
            [folder],
            least,
          ),
        ),
      ));
  }
});
