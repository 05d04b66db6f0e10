'use strict';

// Makes system calls fail according to a plan. The library test/fixtures/faults.c
// does it; a file tells it the plan.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { isInstalled } = require('./installed');

// As in faults.c.
const CALLS = [
  'write',
  'writev',
  'pwrite',
  'pwritev',
  'pwritev2',
  'sendmsg',
  'poll',
  'dup',
];
const KINDS = ['writes', 'polls', 'dups'];
const FAIL = 1;
const FALL_SHORT = 2;
const MAX_STEPS = 256;
const MAX_LINES = 4096;
const MAX_TARGETS = 2;

// Offsets in the file, in 32-bit words.
const TARGETS = 2;
const PLANS = TARGETS + 4 * MAX_TARGETS;
const PLAN_HEAD = 4;
const PLAN_SIZE = PLAN_HEAD + 2 * MAX_STEPS;
const LINE_COUNT = PLANS + KINDS.length * PLAN_SIZE;
const LINES = LINE_COUNT + 2;
const LINE_SIZE = 4;

const { errno: NUMBERS } = os.constants;

// The names to use where an errno has two.
const names = new Map(
  Object.entries(NUMBERS)
    .filter(([name]) => !['EWOULDBLOCK', 'ENOTSUP'].includes(name))
    .map(([name, number]) => [number, name]),
);
const nameOf = (number) =>
  number === 0 ? undefined : (names.get(number) ?? String(number));

/** Whether the C library can be built and preloaded. */
const canPreload =
  process.platform === 'linux' &&
  ['x64', 'arm64'].includes(process.arch) &&
  isInstalled('cc');

/** Builds the library in a directory. Returns the environment that preloads it. */
function buildFaults(directory) {
  const library = path.join(directory, 'faults.so');
  const file = path.join(directory, 'faults');
  const source = path.join(__dirname, '..', 'fixtures', 'faults.c');
  execFileSync(
    'cc',
    ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl'],
    { stdio: 'inherit' },
  );
  fs.writeFileSync(file, '');
  // The runtime of a sanitizer must come first.
  const preload = [process.env.LD_PRELOAD, library].filter(Boolean).join(' ');
  return { LD_PRELOAD: preload, FAULTS_FILE: file };
}

/**
 * Call it in a `describe`: its `env` preloads the library. Skipped where the library
 * cannot be built.
 */
function useFaults() {
  const faults = {};
  let directory;

  before(function build() {
    if (!canPreload) this.skip();
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
    faults.env = buildFaults(directory);
  });
  after(() => {
    if (directory !== undefined) fs.rmSync(directory, { recursive: true });
  });

  return faults;
}

// A step is the name of an errno, a number for a short count, or null for no fault.
function wordsOf(step) {
  if (step === null) return [0, 0];
  return typeof step === 'number' ? [FALL_SHORT, step] : [FAIL, NUMBERS[step]];
}

/** The faults of the process, which needs that environment. */
class Faults {
  #fd = fs.openSync(process.env.FAULTS_FILE, 'r+');

  /**
   * Makes later calls on some files fail.
   *
   * @param {Array<string
   * number>} files paths or descriptors
   * @param {object} plan `writes`, `polls` and `dups`: each a list with one step for
   *   each call
   * @param {boolean} [plan.stays] whether the last step of `writes` is repeated for
   *   ever
   * @param {string} [plan.pwritev2] the errno of each pwritev2(2)
   */
  arm(files, plan) {
    const words = new Uint32Array(LINES);
    words[1] = plan.pwritev2 === undefined ? 0 : NUMBERS[plan.pwritev2];
    const wide = new BigUint64Array(words.buffer);
    files.forEach((file, i) => {
      const { dev, ino } =
        typeof file === 'number'
          ? fs.fstatSync(file, { bigint: true })
          : fs.statSync(file, { bigint: true });
      wide.set([dev, ino], TARGETS / 2 + 2 * i);
    });
    KINDS.forEach((kind, i) => {
      const steps = plan[kind] ?? [];
      if (steps.length > MAX_STEPS) throw new Error('a plan that is too long');
      const at = PLANS + i * PLAN_SIZE;
      words[at] = steps.length;
      words[at + 2] = kind === 'writes' && plan.stays ? 1 : 0;
      words.set(steps.flatMap(wordsOf), at + PLAN_HEAD);
    });
    fs.writeSync(this.#fd, new Uint8Array(words.buffer), 0, null, 0);
    fs.writeSync(this.#fd, Uint8Array.of(1), 0, 1, 0);
  }

  /**
   * Ends the faults.
   *
   * @returns {object[]} each call: `call`, `result`, `error` (a name, or undefined)
   *   and `asked`, in bytes
   */
  disarm() {
    fs.writeSync(this.#fd, Uint8Array.of(0), 0, 1, 0);
    const words = new Int32Array(2 + MAX_LINES * LINE_SIZE);
    fs.readSync(this.#fd, words, 0, words.byteLength, 4 * LINE_COUNT);
    return Array.from({ length: words[0] }, (_, i) => {
      const [call, result, error, asked] = words.subarray(
        2 + i * LINE_SIZE,
        2 + (i + 1) * LINE_SIZE,
      );
      return { call: CALLS[call], result, error: nameOf(error), asked };
    });
  }
}

module.exports = { Faults, buildFaults, canPreload, useFaults };
