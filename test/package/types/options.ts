// Each option of each function, as a user writes it. types.test.js asserts the text that
// an editor shows for it. It is compiled, not run.

import { WASI, createWrites, run, runSync, spawn } from 'wasi-writev';

declare const memory: any;

run('tool.wasm', {
  args: ['--help'],
  argv0: 'tool',
  env: { HOME: '/', LANG: undefined },
  preopens: { '/': '.' },
  stdin: 'text',
  stdout: (chunk) => console.log(chunk.length),
  stderr: 'inherit',
  encoding: 'utf8',
  signal: AbortSignal.timeout(1000),
  timeout: 1000,
  maxBuffer: 2 ** 20,
  forceKillAfterDelay: 0,
  maxOpenFiles: 100,
  waitTimeout: 1000,
  buffered: true,
  bufferSize: 4096,
  captureLimit: 2 ** 20,
});

spawn('tool.wasm', {
  args: ['--help'],
  argv0: 'tool',
  env: { HOME: '/' },
  preopens: { '/': '.' },
  stdin: 'pipe',
  stdout: async (chunk) => console.log(chunk.length),
  stderr: 'capture',
  encoding: 'utf8',
  signal: undefined,
  timeout: 1000,
  maxBuffer: 2 ** 20,
  forceKillAfterDelay: 1000,
  maxOpenFiles: 100,
  waitTimeout: 1000,
  buffered: true,
  bufferSize: 4096,
  captureLimit: 2 ** 20,
});

runSync('tool.wasm', {
  args: [] as readonly string[],
  argv0: 'tool',
  env: process.env,
  preopens: {},
  stdin: new Uint8Array(),
  stdout: 'ignore',
  stderr: process.stderr,
  encoding: 'buffer',
  imports: {},
  maxOpenFiles: 100,
  waitTimeout: Infinity,
  buffered: false,
  bufferSize: 4096,
  captureLimit: 0,
});

new WASI({
  version: 'preview1',
  args: ['tool', '--help'],
  env: process.env,
  preopens: { '/': '.' },
  stdin: 0,
  stdout: 'capture',
  stderr: (chunk) => console.error(chunk.length),
  returnOnExit: false,
  suspending: true,
  maxOpenFiles: 100,
  waitTimeout: 1000,
  buffered: 'auto',
  bufferSize: 4096,
  captureLimit: 2 ** 20,
});

createWrites({
  fds: { 1: 'capture', 2: 2, 3: (chunk) => console.log(chunk.length) },
  memory,
  fallback: { fd_write: () => 0 },
  waitTimeout: 0,
  buffered: 'auto',
  bufferSize: 4096,
  captureLimit: 2 ** 20,
});
