'use strict';

// The tests of the examples: of those in the checkout, and of those in the tarball.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { useTempDir } = require('./temp');

const PATIENCE = 60_000; // milliseconds; one that waits for good is killed

const SAMPLE_RATE = 8000;
const HELLO_SOUNDS = 'pau hh ax l ow w er l d pau';

/** What other scripts import. */
const PARTS = ['guest.mjs'];

// The fallback has no spawn, and its run() ends no tool.
const NATIVE_ALONE = ['compress-output.mjs', 'interactive.mjs', 'timeout.mjs'];

// The fallback has no sandbox, and Node's directories.
const FAULTS_OF_THE_FALLBACK = ['escape.mjs', 'readdir.mjs'];

/** The scripts in a directory, but for those that others import. */
const scriptsIn = (directory) =>
  fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.mjs') && !PARTS.includes(name));

/** How a script in a process of its own ended, and what it printed. */
function runScript(script, args, options) {
  const { error, signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', script, ...args],
    { encoding: 'utf8', timeout: PATIENCE, killSignal: 'SIGKILL', ...options },
  );
  assert.ifError(error);
  return { signal, status, stdout, stderr };
}

/** Asserts that `bytes` are a whole WAV file with sound in it. */
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

/** What each example does. `run(...args)` returns its lines; `dir` is where it runs. */
const EXAMPLES = {
  'capture-output.mjs': ({ run }) => {
    const lines = run();
    const sounds = lines.map((line) => line.split(' ')[0]);
    assert.equal(sounds.join(' '), HELLO_SOUNDS);
    const ends = lines.map((line) => Number(/([\d.]+) s$/.exec(line)[1]));
    assert.deepEqual(
      ends.toSorted((a, b) => a - b),
      ends,
    );
    assert.ok(ends[0] > 0);
  },

  'compress-output.mjs': ({ run, dir, readBytes }) => {
    dir.write('text', 'Hello world.');
    const [line] = run(dir.path('text'), dir.path('sounds.gz'));
    const gzip = readBytes('sounds.gz');
    assert.equal(zlib.gunzipSync(gzip).toString(), `${HELLO_SOUNDS} \n`);
    assert.match(line, /^flite ended with exit code 0, /);
    assert.ok(line.endsWith(`sounds.gz: ${gzip.length} bytes`), line);
  },

  'interactive.mjs': ({ run }) => {
    assert.deepEqual(run(), [
      '3/2',
      '17/12',
      '577/408',
      '665857/470832',
      'Python ended with exit code 0',
    ]);
  },

  'many-at-once.mjs': ({ run, dir, readBytes }) => {
    const lines = run(dir.path('out'));
    assert.deepEqual(
      lines.slice(0, 10),
      Array.from({ length: 10 }, (_, i) => `${i + 1} of 10 words`),
    );
    assert.equal(lines[10], 'one.wav: exit code 0, pau w aa n pau');
    assert.equal(lines[19], 'ten.wav: exit code 0, pau t eh n pau');
    assert.equal(lines.length, 20);
    const files = lines.slice(10).map((line) => line.split(':')[0]);
    const sounds = files.map((name) => readBytes(`out/${name}`));
    for (const sound of sounds) assertWav(sound);
    const different = new Set(sounds.map((sound) => sound.toString('latin1')));
    assert.equal(different.size, 10);
  },

  'speak.mjs': ({ run, readBytes, engine }) => {
    const output = run().join('\n');
    assertWav(readBytes('speech.wav'));
    const { length } = readBytes('speech.wav');
    assert.match(output, /^flite\.wasm ended with exit code 0\.$/m);
    assert.ok(output.includes(`speech.wav (${length} bytes)`));
    assert.match(output, new RegExp(`^ +${engine} engine +\\d+ writes`, 'm'));
    assert.match(output, /^ +system calls +[1-9]\d*$/m);
  },

  'standalone-writes.mjs': ({ run }) => {
    const [sounds, line, ...rest] = run();
    assert.equal(sounds, `${HELLO_SOUNDS} `);
    const [, code, size] = /exit code (\d+), (\d+) bytes$/.exec(line);
    assert.equal(code, '0');
    assert.ok(Number(size) > SAMPLE_RATE);
    assert.deepEqual(rest, []);
  },

  'timeout.mjs': ({ run }) => {
    const [why, much, ...rest] = run('1500');
    assert.equal(why, 'The tool was ended after 1500 milliseconds (ETIMEDOUT)');
    assert.match(much, /^It came to sentence \d+\.$/);
    assert.deepEqual(rest, []);
  },
};

/**
 * Declares a test for each example: it runs in an empty directory.
 *
 * @param {string} directory of the examples; it need not be there yet
 * @param {'native' | 'fallback'} engine the one that they have to run with
 */
function testExamples(directory, engine) {
  const dir = useTempDir();
  const readBytes = (name) => fs.readFileSync(dir.path(name));
  for (const [name, test] of Object.entries(EXAMPLES)) {
    const isLeftOut = engine === 'fallback' && NATIVE_ALONE.includes(name);
    (isLeftOut ? it.skip : it)(`${name} does what it says`, () => {
      const run = (...args) => {
        const script = path.join(directory, name);
        const { stdout, ...end } = runScript(script, args, {
          cwd: dir.path(''),
        });
        assert.deepEqual(end, { signal: null, status: 0, stderr: '' });
        return stdout.trimEnd().split('\n');
      };
      test({ run, dir, readBytes, engine });
    });
  }
}

/**
 * Declares a test for each script of `names` in examples/node-wasi-faults: under
 * our WASI it finds no fault.
 *
 * @param {string} directory of the scripts; it need not be there yet
 */
function testFaults(directory, names, engine) {
  for (const name of names) {
    const isOurs =
      engine === 'fallback' && FAULTS_OF_THE_FALLBACK.includes(name);
    (isOurs ? it.skip : it)(`is not one of wasi-writev: ${name}`, () => {
      const script = path.join(directory, name);
      const { stdout, ...end } = runScript(script, ['wasi-writev']);
      assert.deepEqual(end, { signal: null, status: 0, stderr: '' });
      assert.match(stdout, /^wasi-writev: .+\n$/);
    });
  }
}

module.exports = {
  EXAMPLES,
  runScript,
  scriptsIn,
  testExamples,
  testFaults,
};
