'use strict';

// Under Node's permission model.

const assert = require('node:assert/strict');
const { engine } = require('../..');
const { resultInChild } = require('../helpers/in-child');

const FLAG = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
// Allows reading the addon, the package and the guests, and no writing.
const FLAGS = [FLAG, '--allow-addons', '--allow-fs-read=*'];

/**
 * The outcome of each entry point in a process: 'ran', or the code and the
 * permission.
 */
async function tryAll() {
  const { WASI, createWrites, run, runSync } = require('../..');
  const { readFileSync } = require('node:fs');
  const tool = readFileSync('../guests/toolbox.wasm');
  const ways = {
    WASI: () => new WASI({ version: 'preview1', stdout: 'capture' }),
    'WASI with a function': () =>
      new WASI({ version: 'preview1', stdout: () => {} }),
    run: () => run(tool, { stdin: 'ignore' }),
    runSync: () => runSync(tool, { stdin: 'ignore' }),
    createWrites: () => createWrites({ fds: { 1: 'capture', 2: () => {} } }),
  };
  const ends = {};
  for (const [name, way] of Object.entries(ways)) {
    try {
      await way();
      ends[name] = 'ran';
    } catch ({ code, permission }) {
      ends[name] = `${code} ${permission}`;
    }
  }
  return ends;
}

describe('The permission model of Node', () => {
  before(function () {
    if (engine !== 'native') this.skip();
  });

  it('must allow WASI and run(), but not createWrites()', () => {
    const denied = 'ERR_ACCESS_DENIED WASI';
    const denies = { WASI: denied, 'WASI with a function': denied };
    assert.deepEqual(resultInChild(tryAll, [], FLAGS), {
      ...denies,
      run: denied,
      runSync: denied,
      createWrites: 'ran',
    });
  });

  it('runs a guest that it allows, without permission to write files', () => {
    const ends = resultInChild(tryAll, [], [...FLAGS, '--allow-wasi']);
    assert.deepEqual([...new Set(Object.values(ends))], ['ran']);
  });
});
