'use strict';

// The scripts in examples/node-wasi-faults, under our WASI.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');

const FAULTS = path.join(__dirname, '../../examples/node-wasi-faults');
const SHARED = 'guest.mjs';

// The fallback has no sandbox, and reads directories like Node.
const OF_THE_FALLBACK = ['escape.mjs', 'readdir.mjs'];

const scripts = fs
  .readdirSync(FAULTS)
  .filter((name) => name.endsWith('.mjs') && name !== SHARED);

function run(name, moduleName) {
  const { error, signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', path.join(FAULTS, name), moduleName],
    { encoding: 'utf8' },
  );
  assert.ifError(error);
  return { signal, status, stdout, stderr };
}

describe('A fault of node:wasi', () => {
  for (const name of scripts) {
    const isOurs = engine === 'fallback' && OF_THE_FALLBACK.includes(name);
    (isOurs ? it.skip : it)(`is not one of wasi-writev: ${name}`, () => {
      const { stdout, ...end } = run(name, 'wasi-writev');
      assert.deepEqual(end, { signal: null, status: 0, stderr: '' });
      assert.match(stdout, /^wasi-writev: .+\n$/);
    });
  }

  it('is shown of no other module', () => {
    const { signal, status, stdout } = run(scripts[0], 'wasi');
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
