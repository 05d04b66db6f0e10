'use strict';

// Threads write records of up to 2,000 buffers to one file. None may be torn or
// lost.

const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { SPACE, assertLists } = require('../helpers/lists');
const { runThreads } = require('../helpers/thread');

const MAX_THREADS = 8;
const ROUND = 2000; // writes
const PAGE = 65536;

// How the threads share the file.
const WAYS = {
  'one descriptor that appends': { flags: 'a' },
  'one descriptor': { flags: 'w' },
  'a file that each opens': { own: true },
};

async function round(file, way, host, seed, threads, count) {
  const { flags, own } = WAYS[way];
  const memory = new WebAssembly.Memory({
    initial: (threads * SPACE) / PAGE,
    maximum: (threads * SPACE) / PAGE,
    shared: true,
  });
  fs.writeFileSync(file, '');
  const stdout = own ? 1 : fs.openSync(file, flags);
  const results = await runThreads(
    Array.from({ length: threads }, (_, id) => ({
      job: 'lists',
      id,
      base: id * SPACE,
      count,
      host: own ? 'WASI' : host,
      memory,
      seed,
      stdout,
      ...(own && {
        directory: path.dirname(file),
        file: path.basename(file),
      }),
    })),
  );
  if (!own) fs.closeSync(stdout);
  const bytes = fs.readFileSync(file);
  const written = results.map((result) => result.written);
  const byNode = own && engine === 'fallback';
  return {
    bytes: bytes.length,
    cut: assertLists(bytes, seed, written, byNode),
  };
}

module.exports = {
  count: 100_000,
  unit: 'writes',

  async run({ count, random, directory, progress }) {
    const file = path.join(directory, 'file');
    const figures = { writes: 0, bytes: 0, cut: 0, rounds: 0 };
    while (figures.writes < count) {
      const threads = random.between(2, MAX_THREADS);
      const way = Object.keys(WAYS)[figures.rounds % 3];
      const host = random.pick(['WASI', 'createWrites']);
      const seed = random.below(2 ** 31);
      const each = Math.ceil(Math.min(ROUND, count / 3) / threads);
      const { bytes, cut } = await round(file, way, host, seed, threads, each);
      figures.writes += threads * each;
      figures.bytes += bytes;
      figures.cut += cut;
      figures.rounds++;
      progress(figures.writes);
    }
    return figures;
  },
};
