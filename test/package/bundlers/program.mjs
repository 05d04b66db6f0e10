// What is bundled. Its argument is the path of an addon, or `asset`, or nothing: then
// it takes what comes with it.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createWrites, engine, fallbackReason, run } from 'wasi-writev';

const [argument] = process.argv.slice(2);

/** The addon of a single executable application, as a file. */
function extract() {
  // Not every tool knows this module.
  const { getRawAsset } = process.getBuiltinModule('node:sea');
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-sea-'));
  const file = path.join(directory, 'addon.node');
  fs.writeFileSync(file, new Uint8Array(getRawAsset('addon.node')));
  process.once('exit', () => fs.rmSync(directory, { recursive: true }));
  return file;
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

async function main() {
  if (argument !== undefined) {
    process.env.WASI_WRITEV_ENGINE =
      argument === 'asset' ? extract() : argument;
  }
  const { stdout } = await run('toolbox.wasm', {
    args: ['say', 'by the guest'],
    encoding: 'utf8',
  });
  process.stdout.write(
    JSON.stringify({ engine, fallbackReason, stdout, ...writeWords('words') }),
  );
}

main();
