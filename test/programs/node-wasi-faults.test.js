'use strict';

// The scripts in examples/node-wasi-faults, under our WASI.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { runScript, scriptsIn, testFaults } = require('../helpers/examples');

const FAULTS = path.join(__dirname, '../../examples/node-wasi-faults');

const scripts = scriptsIn(FAULTS);

describe('A fault of node:wasi', () => {
  testFaults(FAULTS, scripts, engine);

  it('is shown of no other module', () => {
    const script = path.join(FAULTS, scripts[0]);
    const { signal, status, stdout } = runScript(script, ['wasi']);
    assert.deepEqual(
      { signal, status, stdout },
      { signal: null, status: 2, stdout: '' },
    );
  });

  it('has a line in the README of the scripts', () => {
    const text = fs.readFileSync(path.join(FAULTS, 'README.md'), 'utf8');
    const listed = [...text.matchAll(/^- \[(.+)\]\(\1\): \S/gm)];
    assert.deepEqual(listed.map(([, name]) => name).sort(), scripts.sort());
  });
});
