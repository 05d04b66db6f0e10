'use strict';

// The examples, each in its own process and directory.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { engine } = require('../..');
const { useTempDir } = require('../helpers/temp');

const EXAMPLES = path.join(__dirname, '..', '..', 'examples');
const FAULTS = path.join(EXAMPLES, 'node-wasi-faults');

const SAMPLE_RATE = 8000;
const HELLO_SOUNDS = 'pau hh ax l ow w er l d pau';

/** The scripts in a directory, except those that others import. */
function scriptsIn(directory) {
  const parts = ['guest.mjs', 'speak-worker.mjs'];
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.mjs') && !parts.includes(name));
}

/** Asserts that `bytes` are a complete WAV file with sound. */
function assertWav(bytes) {
  const HEADER = 44;
  assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
  assert.equal(bytes.toString('latin1', 8, 16), 'WAVEfmt ');
  assert.equal(bytes.readUInt32LE(24), SAMPLE_RATE);
  assert.equal(bytes.readUInt32LE(40), bytes.length - HEADER);
  assert.ok(bytes.length > HEADER + SAMPLE_RATE);
  assert.notDeepEqual(new Set(bytes.subarray(HEADER)), new Set([0]));
}

describe('the examples', () => {
  const dir = useTempDir();

  /** Runs an example in the test's directory. Returns the lines of its stdout. */
  function runExample(name, ...args) {
    const script = path.join(EXAMPLES, name);
    const { error, status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--no-warnings', script, ...args],
      { cwd: dir.path(''), encoding: 'utf8' },
    );
    assert.ifError(error);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    return stdout.trimEnd().split('\n');
  }

  const readBytes = (name) => fs.readFileSync(dir.path(name));

  const tests = {
    'speak.mjs': () => {
      const output = runExample('speak.mjs').join('\n');
      assertWav(readBytes('speech.wav'));
      const { length } = readBytes('speech.wav');
      assert.match(output, /^flite\.wasm ended with exit code 0\.$/m);
      assert.ok(output.includes(`speech.wav (${length} bytes)`));
      assert.match(output, new RegExp(`^ +${engine} engine +\\d+ writes`, 'm'));
      assert.match(output, /^ +system calls +[1-9]\d*$/m);
    },

    'capture-output.mjs': () => {
      const lines = runExample('capture-output.mjs');
      const sounds = lines.map((line) => line.split(' ')[0]);
      assert.equal(sounds.join(' '), HELLO_SOUNDS);
      const ends = lines.map((line) => Number(/([\d.]+) s$/.exec(line)[1]));
      assert.deepEqual(
        ends.toSorted((a, b) => a - b),
        ends,
      );
      assert.ok(ends[0] > 0);
    },

    'pipe-into-stream.mjs': () => {
      dir.write('text', 'Hello world.');
      const [line] = runExample(
        'pipe-into-stream.mjs',
        dir.path('text'),
        dir.path('sounds.gz'),
      );
      const gzip = readBytes('sounds.gz');
      assert.equal(zlib.gunzipSync(gzip).toString(), `${HELLO_SOUNDS} \n`);
      assert.ok(line.endsWith(`sounds.gz: ${gzip.length} bytes`), line);
    },

    'standalone-writes.mjs': () => {
      const [sounds, line, ...rest] = runExample('standalone-writes.mjs');
      assert.equal(sounds, `${HELLO_SOUNDS} `);
      const [, code, size] = /exit code (\d+), (\d+) bytes$/.exec(line);
      assert.equal(code, '0');
      assert.ok(Number(size) > SAMPLE_RATE);
      assert.deepEqual(rest, []);
    },

    'workers.mjs': () => {
      dir.write('text', 'Hello world. Hello world. Goodbye.\n');
      const lines = runExample(
        'workers.mjs',
        dir.path('text'),
        dir.path('out'),
      );
      assert.deepEqual(lines.slice(0, 2), [
        '1.wav: exit code 0, 10 sounds',
        '2.wav: exit code 0, 10 sounds',
      ]);
      assert.match(lines[2], /^3\.wav: exit code 0, [1-9]\d* sounds$/);
      for (const name of ['1.wav', '2.wav', '3.wav']) {
        assertWav(readBytes(`out/${name}`));
      }
      assert.ok(readBytes('out/1.wav').equals(readBytes('out/2.wav')));
      assert.ok(!readBytes('out/1.wav').equals(readBytes('out/3.wav')));
    },
  };

  for (const [name, test] of Object.entries(tests)) {
    it(`${name} does what it says`, test);
  }

  it('are all here', () => {
    assert.deepEqual(scriptsIn(EXAMPLES), Object.keys(tests).sort());
  });

  it('are all in the lists of the READMEs', () => {
    for (const [directory, parts] of [
      [EXAMPLES, ['speak-worker.mjs']],
      [FAULTS, []],
    ]) {
      const readme = path.join(directory, 'README.md');
      const list = fs.readFileSync(readme, 'utf8');
      const linked = [...list.matchAll(/\]\(([^)]+\.mjs)\)/g)];
      assert.deepEqual(
        linked.map(([, to]) => to).sort(),
        [...scriptsIn(directory), ...parts].sort(),
      );
    }
  });
});
