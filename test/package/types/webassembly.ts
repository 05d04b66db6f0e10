// With the types of WebAssembly. It is compiled, not run.

import { WASI, createWrites, run, runSync } from 'wasi-writev';

declare const module: WebAssembly.Module;
declare const given: WebAssembly.Imports;

run(module);
run(module, { stdout: (chunk) => new Response(chunk) });
runSync('x', { imports: given });
runSync('x', {
  imports: {
    env: {
      memory: new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }),
      table: new WebAssembly.Table({ element: 'anyfunc', initial: 1 }),
      log: (pointer: number) => pointer,
      one: 1,
    },
  },
});

const wasi = new WASI({ version: 'preview1' });
const imports: WebAssembly.Imports = wasi.getImportObject();
const instance = new WebAssembly.Instance(module, {
  ...imports,
  wasi_snapshot_preview1: wasi.wasiImport,
});
const memory = instance.exports.memory as WebAssembly.Memory;
wasi.start(instance);
wasi.finalizeBindings(instance, { memory });
createWrites({ memory }).setMemory(memory);

// Web APIs take the bytes.
new Response(runSync(module).stdout);
new Blob([runSync(module).stderr]);
