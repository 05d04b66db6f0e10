'use strict';

// The examples of the checkout, each in a process and a directory of its own.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { EXAMPLES, scriptsIn, testExamples } = require('../helpers/examples');

const DIRECTORY = path.join(__dirname, '..', '..', 'examples');

describe('the examples', () => {
  testExamples(DIRECTORY, engine);

  it('are all here', () => {
    assert.deepEqual(scriptsIn(DIRECTORY), Object.keys(EXAMPLES));
  });

  it('are all in the list of their README', () => {
    const list = fs.readFileSync(path.join(DIRECTORY, 'README.md'), 'utf8');
    const linked = [...list.matchAll(/\]\(([^)]+\.mjs)\)/g)];
    assert.deepEqual(
      linked.map(([, to]) => to).sort(),
      fs
        .readdirSync(DIRECTORY)
        .filter((name) => name.endsWith('.mjs'))
        .sort(),
    );
  });
});
