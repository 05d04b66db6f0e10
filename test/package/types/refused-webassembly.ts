// Like refused.ts, with the types of WebAssembly.

import { WASI, createWrites, run, runSync } from 'wasi-writev';

declare const wasi: WASI;
declare const instance: WebAssembly.Instance;

run(WebAssembly.compile(new Uint8Array())); // TS2345
run(instance); // TS2345
run(new WebAssembly.Memory({ initial: 1 })); // TS2345
runSync('x', { imports: { env: { log: 'console' } } }); // TS2322
createWrites({ memory: new Uint8Array() }); // TS2741 or TS2739
createWrites().setMemory(instance.exports); // TS2345 or TS2739
wasi.finalizeBindings(instance, { memory: instance }); // TS2739
