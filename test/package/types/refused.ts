// Each line with a code at its end must not compile, with that error.

import { readFile } from 'node:fs/promises';
import { WASI, createWrites, engine, run, runSync, spawn } from 'wasi-writev';
import type { Given } from 'wasi-writev'; // TS2459

declare const wasi: WASI;
const writes = createWrites();

// Sources
run(); // TS2554
run(5); // TS2345
run(5n); // TS2345
run(true); // TS2345
run(null); // TS2345
run(undefined); // TS2345
run(readFile('tool.wasm')); // TS2345
runSync(readFile('tool.wasm')); // TS2345
run(['tool.wasm', '--help']); // TS2345
run(() => 'tool.wasm'); // TS2345
run({ stdout: 'capture' }); // TS2353 or TS2345
run({ exports: {} }); // TS2353 or TS2345
run(process); // TS2345

// Unknown options
run('x', 5); // TS2559
run('x', 'utf8'); // TS2559
run('x', ['--help']); // TS2559
run('x', null); // TS2345
run('x', { preopen: { '/': '.' } }); // TS2561 or TS2345
run('x', { args: ['a'], preopen: { '/': '.' } }); // TS2322
run('x', { stdout: (chunk) => chunk.length, preopen: {} }); // TS2322
runSync('x', { encoding: 'utf8', stdOut: 'inherit' }); // TS2322
runSync('x', { version: 'preview1' }); // TS2353 or TS2345
createWrites({ waitTimout: 1000 }); // TS2561 or TS2345
createWrites({ stdout: 'capture' }); // TS2353 or TS2345
new WASI({ version: 'preview1', bufferd: true }); // TS2561 or TS2345
new WASI({ version: 'preview1', encoding: 'utf8' }); // TS2353 or TS2345

// Values of options
run('x', { args: '--help' }); // TS2322
run('x', { args: [1] }); // TS2322
run('x', { env: { COUNT: 1 } }); // TS2322
run('x', { stdin: 'pipe', stdout: 'pipe' }); // TS2322
run('x', { stdin: true }); // TS2322
run('x', { stdout: (chunk: string) => chunk }); // TS2322
run('x', { encoding: 'utf9' }); // TS2322
run('x', { buffered: 'always' }); // TS2322
run('x', { imports: {} }); // TS2353 or TS2345
run('x', { signal: new AbortController() }); // TS2322 or TS2740
runSync('x', { imports: [1] }); // TS2322
runSync('x', { stdin: ['a'] }); // TS2322
runSync('x', { timeout: 1 }); // TS2353 or TS2345
spawn('x', { timeout: '1' }); // TS2322
spawn('x', { stdin: 'capture', imports: {} }); // TS2322
spawn(5); // TS2345
createWrites({ waitTimeout: '1s' }); // TS2322
createWrites({ fds: { one: 1 } }); // TS2353 or TS2322
createWrites({ fds: new Map([['1', 1]]) }); // TS2322
new WASI(); // TS2554
new WASI({}); // TS2345 or TS2741
new WASI({ version: 'preview2' }); // TS2820
new WASI({ version: 'preview1', stdout: 'inherit' }); // TS2322

// Results and members
runSync('x').stdout.trim(); // TS2339
runSync('x', { stdout: 'inherit' }).stdout.length; // TS2531
runSync('x', { encoding: 'utf8', stdout: 1 }).stdout.trim(); // TS2531
run('x').exitCode; // TS2339
spawn('x').exitCode; // TS2339
spawn('x', { stdout: 'capture' }).stdout.on; // TS2531
wasi.stdout.length; // TS18047
wasi.stats = wasi.stats; // TS2540
writes.captured(1).length; // TS2531
writes.map('1', 1); // TS2345
writes.fd_pwrite(1, 0, 1, 8, 16); // TS2345
engine = 'native'; // TS2632
export type { Given };
