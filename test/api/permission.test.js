'use strict';

// Under Node's permission model, with no more flags than it takes.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { TOOLBOX, start } = require('../helpers/cli');
const { copyPackage } = require('../helpers/copy');
const { resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');

const FLAG = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
// Of Nodes that ask for leave to open a pipe.
const NET_FLAG = '--allow-net';
const hasNet = process.allowedNodeEnvironmentFlags.has(NET_FLAG);
const NET = hasNet ? [NET_FLAG] : [];
const WASI_FLAG = '--allow-wasi';
const READ_TOOLBOX = `--allow-fs-read=${TOOLBOX}`;

/** How each way ends, in a process: 'ran', or what the error says. */
async function tryAll(directory, tool) {
  const { WASI, createWrites, run, runSync, spawn } = require(directory);
  const given = { preopens: { '/': '/' }, buffered: true };
  const options = { ...given, args: ['say', 'hi'], stdin: 'text' };
  const ways = {
    WASI: () => new WASI({ version: 'preview1', stdout: 'capture', ...given }),
    'WASI with a function': () =>
      new WASI({ version: 'preview1', stdout: () => {} }),
    run: () => run(tool, options),
    spawn: () => spawn(tool, { ...options, stderr: 'ignore' }),
    runSync: () => runSync(tool, { ...options, stderr: 'ignore' }),
    createWrites: () =>
      createWrites({ fds: { 1: 'capture', 2: () => {} }, buffered: true }),
  };
  const ends = {};
  for (const [name, way] of Object.entries(ways)) {
    try {
      await way();
      ends[name] = 'ran';
    } catch ({ message, permission, resource }) {
      ends[name] = `${permission} ${resource}: ${message}`;
    }
  }
  return ends;
}

/** How many descriptors tools leave open that are refused, in a process. */
function leftByRefused(directory, tool) {
  const { readdirSync } = require('node:fs');
  const { spawn } = require(directory);
  const count = () => readdirSync('/proc/self/fd').length;
  let before;
  let refused = 0;
  for (let i = 0; i < 10; i++) {
    try {
      spawn(tool);
    } catch {
      refused++;
    }
    before ??= count();
  }
  return { left: count() - before, refused };
}

describe('The permission model of Node', () => {
  const dir = useTempDir();
  let directory;
  let flags;

  before(function () {
    if (engine !== 'native') this.skip();
    directory = copyPackage();
    const read = `--allow-fs-read=${directory}${path.sep}`;
    flags = [FLAG, '--allow-addons', read];
  });

  const tryWith = (...more) =>
    resultInChild(tryAll, [directory, TOOLBOX], [...flags, ...more]);

  const command = (more, ...args) =>
    start(
      process.execPath,
      [
        ...['--no-warnings', ...flags, WASI_FLAG, ...more],
        ...[path.join(directory, 'lib/cli.js'), ...args],
      ],
      { cwd: dir.path('') },
    );

  it('has to allow WASI and run(), and createWrites() asks for nothing', () => {
    const { createWrites, ...others } = tryWith(READ_TOOLBOX, '--allow-worker');
    assert.equal(createWrites, 'ran');
    for (const [way, end] of Object.entries(others)) {
      assert.match(end, /^WASI : .* Use --allow-wasi /, way);
    }
  });

  it('has to allow run() and spawn() a worker, and says so', () => {
    const ends = tryWith(READ_TOOLBOX, WASI_FLAG, ...NET);
    const { run, spawn, ...others } = ends;
    assert.match(run, /^WorkerThreads/);
    assert.match(spawn, /^WorkerThreads/);
    assert.deepEqual([...new Set(Object.values(others))], ['ran']);
  });

  it('has to allow spawn() the network for its pipes, and says so', function () {
    if (!hasNet) this.skip();
    const ends = tryWith(READ_TOOLBOX, WASI_FLAG, '--allow-worker');
    const { spawn, ...others } = ends;
    assert.match(spawn, /^Net : .* Use --allow-net /);
    assert.deepEqual([...new Set(Object.values(others))], ['ran']);
  });

  it('leaves nothing open of a tool whose pipes it refuses', function () {
    if (!hasNet || !fs.existsSync('/proc/self/fd')) this.skip();
    const all = [FLAG, '--allow-addons', '--allow-fs-read=*', WASI_FLAG];
    const result = resultInChild(
      leftByRefused,
      [directory, TOOLBOX],
      [...all, '--allow-worker'],
    );
    assert.deepEqual(result, { left: 0, refused: 10 });
  });

  it('lets a guest run that it allows, without leave to write files', () => {
    const leave = [READ_TOOLBOX, WASI_FLAG, '--allow-worker', ...NET];
    const ends = tryWith(...leave);
    assert.equal(Object.keys(ends).length, 6);
    assert.deepEqual([...new Set(Object.values(ends))], ['ran']);
  });

  it('lets the command run with the same leave, and a directory with none', () => {
    const args = ['--dir', '/', TOOLBOX, 'say', 'hi'];
    const expected = { status: 0, stdout: 'hi', stderr: '' };
    assert.deepEqual(command([READ_TOOLBOX], ...args), expected);
  });

  it('names the file that may not be read', () => {
    const { run, runSync } = tryWith(WASI_FLAG, '--allow-worker');
    const text = `FileSystemRead ${TOOLBOX}: '${TOOLBOX}': Access to this API`;
    assert.ok(run.startsWith(text), run);
    assert.ok(runSync.startsWith(text), runSync);
    const { status, stderr } = command([], TOOLBOX);
    assert.equal(status, 2);
    assert.ok(stderr.startsWith(`wasi-writev: '${TOOLBOX}': Acc`), stderr);
  });

  it('names the trace that may not be written', () => {
    // A name that is a part of the error's text.
    const { status, stderr } = command([READ_TOOLBOX], '--trace=to', TOOLBOX);
    assert.equal(status, 2);
    assert.match(stderr, /^wasi-writev: --trace: 'to': Access to this API/);
  });
});
