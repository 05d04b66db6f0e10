// Imports only node:wasi, which rejects 'capture' without the preload.

import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const wasi = new WASI({
  version: 'preview1',
  args: ['toolbox', 'say', 'through the preload'],
  stdout: 'capture',
});
const module = new WebAssembly.Module(readFileSync('toolbox.wasm'));
wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
process.stdout.write(wasi.stdout.toString());
