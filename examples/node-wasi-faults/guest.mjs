// Shared by the scripts: the WASI of the module named on the command line, and a guest
// that exports WASI calls.

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULES = ['node:wasi', 'wasi-writev'];

/** The module whose WASI is used: the first argument. */
export const moduleName = process.argv[2] ?? 'node:wasi';

if (!MODULES.includes(moduleName)) {
  console.error(`usage: node ${process.argv[1]} [${MODULES.join(' | ')}]`);
  process.exit(2);
}

const { WASI } = await import(moduleName);
const guest = new URL('guest.wasm', import.meta.url);
const compiled = await WebAssembly.compile(readFileSync(guest));

/**
 * Returns the guest's exports. Its fd 1 is `stdout`, a descriptor of this process; its
 * fd 3 is `directory`, if given.
 */
export function startGuest(stdout, directory) {
  const preopens = directory === undefined ? {} : { '/': directory };
  const wasi = new WASI({ version: 'preview1', stdout, preopens });
  const instance = new WebAssembly.Instance(compiled, wasi.getImportObject());
  wasi.initialize(instance);
  return instance.exports;
}

/** Calls `use` with an open file, and returns its result. */
export function withFile(path, flags, use) {
  const fd = openSync(path, flags);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Calls `use` with an empty directory, and then removes it. */
export function withDirectory(use) {
  const directory = mkdtempSync(join(tmpdir(), 'node-wasi-faults-'));
  try {
    return use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Whether `runAlone` started this process. */
export const isAlone = process.argv[3] === 'alone';

/**
 * Runs the script again in a process of its own, which may die, or never end.
 *
 * @returns {{ signal: string | null, stdout: string }} SIGTERM after 3 seconds
 */
export function runAlone() {
  const args = ['--no-warnings', process.argv[1], moduleName, 'alone'];
  return spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 3000 });
}

/** Puts text at `at` in the guest's memory, and returns its length in bytes. */
export function putText(memory, at, text) {
  const bytes = Buffer.from(text);
  new Uint8Array(memory.buffer).set(bytes, at);
  return bytes.length;
}

/** Puts a list of [pointer, length] at `at` in the guest's memory. */
export function putIovs(memory, at, list) {
  const data = new DataView(memory.buffer);
  list.forEach(([pointer, length], i) => {
    data.setUint32(at + 8 * i, pointer, true);
    data.setUint32(at + 8 * i + 4, length, true);
  });
}

export function u32(memory, at) {
  return new DataView(memory.buffer).getUint32(at, true);
}

/** Prints the result of a script, and sets its exit code. */
export function report(ok, line) {
  console.log(`${moduleName}: ${line}`);
  if (!ok) process.exitCode = 1;
}
