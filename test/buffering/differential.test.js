'use strict';

// Runs the same random programs buffered, unbuffered and under Node. The guest's
// results and all files must be the same.
//
// A failure names the seed of its programs. To run those, or more:
//
//   DIFFERENTIAL_SEED=1 DIFFERENTIAL_PROGRAMS=20000 npx mocha \
//     test/buffering/differential.test.js

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const { WASI: NodeWASI } = require('node:wasi');
const { WASI } = require('../..');
const { MEMORY_KINDS, makeGuest } = require('../helpers/memory-kinds');
const { Author } = require('../helpers/program-author');
const { Machine } = require('../helpers/program-machine');
const { textOf } = require('../helpers/programs');
const { Random } = require('../helpers/random');
const { symbolOf } = require('../helpers/symbols');
const { useTempDir } = require('../helpers/temp');

const PROGRAMS = Number(process.env.DIFFERENTIAL_PROGRAMS ?? 3000);
const FIRST_SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const PROGRAMS_OF_ONE_GUEST = 10;

const UNBUFFERED = { buffered: false };
const BUFFERED = [true, 'auto'].flatMap((buffered) =>
  [1, 16, 100, 65536].map((bufferSize) => ({ buffered, bufferSize })),
);

const unsigned = (value) => (typeof value === 'number' ? value >>> 0 : value);

/**
 * Closures around Node's import functions, which avoid the fast path that crashes.
 */
function closuresOf(functions) {
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [
      name,
      (...values) => call(...values.map(unsigned)),
    ]),
  );
}

const digest = (bytes) =>
  `${bytes.length} ${createHash('sha1').update(bytes).digest('hex')}`;

/**
 * Runs programs in one guest, and restores the directory afterwards.
 *
 * @param {object} [options] of our `WASI`; undefined: Node's
 * @returns {Promise<{ results: string[][], stats: object }>}
 */
async function run(dir, kind, programs, options) {
  const open = (name) => fs.openSync(dir.path(name), 'w+');
  const common = {
    version: 'preview1',
    preopens: { '/': dir.path('') },
    stdout: open('stdout'),
    stderr: open('stderr'),
  };
  const wasi = options
    ? new WASI({ ...common, ...options })
    : new NodeWASI(common);
  const { guest, memory } = makeGuest(
    kind,
    options ? wasi.wasiImport : closuresOf(wasi.wasiImport),
  );
  wasi[symbolOf(wasi, 'kSetMemory')](memory);

  const names = () => fs.readdirSync(dir.path('')).sort();
  const machine = new Machine(guest, memory, {
    look: () =>
      names().map(
        (name) => `${name} ${digest(fs.readFileSync(dir.path(name)))}`,
      ),
    flush: () => options && wasi.flush(),
  });
  const results = [];
  for (const program of programs) results.push(await machine.run(program));
  machine.end();
  for (const name of names()) fs.unlinkSync(dir.path(name));
  return { results, stats: wasi.stats };
}

/** `compares(operation)`: whether its result is compared. */
function assertAlike(actual, expected, programs, compares) {
  programs.forEach((program, i) => {
    const at = program.findIndex(
      (operation, j) => compares(operation) && actual[i][j] !== expected[i][j],
    );
    if (at === -1) return;
    assert.fail(
      `program ${i}, operation ${at}, ${textOf(program[at])}: ` +
        `${actual[i][at].slice(0, 500)} instead of ` +
        expected[i][at].slice(0, 500),
    );
  });
}

const isBad = ({ call }) => call === 'bad';

// By the specification the right to seek implies the right to tell, and a closed fd
// cannot be renumbered. Node differs.
const isComparable = ({ call, slot, to }) =>
  !['bad', 'tell'].includes(call) && !(call === 'renumber' && slot === to);

// An fd that is not open for the call is BADF here, and NOTCAPABLE in Node.
const withoutNotcapable = (results) =>
  results.map((result) => (result === '[76]' ? '[8]' : result));

/** Makes three runs of the same programs. Returns the stats of the buffered one. */
async function compare(dir, kind, seed) {
  const author = new Author(seed);
  const programs = Array.from({ length: PROGRAMS_OF_ONE_GUEST }, () =>
    author.write(),
  );
  const options = new Random(seed).pick(BUFFERED);
  try {
    // Node has other errnos for bad arguments, or crashes.
    const node = await run(
      dir,
      kind,
      programs.map((program) =>
        program.map((call) => (isBad(call) ? { call: 'tick' } : call)),
      ),
    );
    const unbuffered = await run(dir, kind, programs, UNBUFFERED);
    const buffered = await run(dir, kind, programs, options);
    assertAlike(
      unbuffered.results.map(withoutNotcapable),
      node.results.map(withoutNotcapable),
      programs,
      isComparable,
    );
    assertAlike(buffered.results, unbuffered.results, programs, () => true);
    return buffered.stats;
  } catch (error) {
    error.message = `seed ${seed}, ${JSON.stringify(options)}: ${error.message}`;
    throw error;
  }
}

describe('Buffered writes of random programs', () => {
  const dir = useTempDir();

  for (const kind of MEMORY_KINDS) {
    it(`do what unbuffered ones and Node's do, with a memory that is ${kind}`, async () => {
      const guests = PROGRAMS / PROGRAMS_OF_ONE_GUEST / MEMORY_KINDS.length;
      const totals = { calls: 0, buffered: 0, flushes: 0 };
      for (let i = 0; i < guests; i++) {
        const stats = await compare(dir, kind, FIRST_SEED + i);
        for (const name in totals) totals[name] += stats[name];
      }
      // Many writes were buffered, and flushed together. With threads, only those to
      // the standard streams are buffered.
      const share = kind === 'shared' ? 40 : 4;
      assert.ok(totals.buffered > totals.calls / share, 'few were buffered');
      assert.ok(totals.flushes < totals.buffered / 2, 'few left together');
    });
  }
});
