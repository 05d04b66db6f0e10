// What is bundled. Its arguments are the paths of an addon and of a thread, or `asset`
// for both, or nothing: then it takes what comes with it.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  createWrites,
  engine,
  fallbackReason,
  run,
  runSync,
  spawn,
} from 'wasi-writev';

const [addon, thread] = process.argv.slice(2);

/** The assets of a single executable application, as files. */
function extract() {
  // Not every tool knows this module.
  const { getRawAsset } = process.getBuiltinModule('node:sea');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-sea-'));
  process.once('exit', () => fs.rmSync(directory, { recursive: true }));
  return ['addon.node', 'thread.cjs'].map((name) => {
    const file = path.join(directory, name);
    fs.writeFileSync(file, new Uint8Array(getRawAsset(name)));
    return file;
  });
}

/** Two writes, which the native engine buffers until close(). */
function writeWords(file) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  view.setUint32(0, 8, true);
  view.setUint32(4, 4, true);
  new Uint8Array(memory.buffer).set(Buffer.from('word'), 8);
  const fd = fs.openSync(file, 'w');
  const writes = createWrites({ fds: { 1: fd }, buffered: true, memory });
  writes.fd_write(1, 0, 1, 16);
  writes.fd_write(1, 0, 1, 16);
  const buffered = fs.fstatSync(fd).size === 0;
  writes.close();
  fs.closeSync(fd);
  return { buffered, words: fs.readFileSync(file, 'utf8') };
}

/** The output of the guest, or the error. */
async function outcomeOf(start) {
  try {
    const { stdout } = await start('toolbox.wasm', {
      args: ['say', 'by the guest'],
      encoding: 'utf8',
      stdout: 'capture',
    });
    return stdout;
  } catch ({ code, message }) {
    return { code, message };
  }
}

async function main() {
  const named = addon === 'asset' ? extract() : [addon, thread];
  ['WASI_WRITEV_ENGINE', 'WASI_WRITEV_THREAD'].forEach((name, i) => {
    if (named[i] !== undefined) process.env[name] = named[i];
  });
  const told = {
    engine,
    fallbackReason,
    run: await outcomeOf(run),
    runSync: await outcomeOf(runSync),
    spawn: await outcomeOf(spawn),
    ...writeWords('words'),
  };
  process.stdout.write(JSON.stringify(told));
}

main();
