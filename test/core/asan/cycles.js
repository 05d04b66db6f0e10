'use strict';

// Creates guests that write and end, and checks that they leave no memory. Run by
// test/core/asan/run, since the runtime of AddressSanitizer counts the bytes:
//
//   node --expose-gc cycles.js HEAP_ADDON

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { withWASI, withWrites } = require('../../helpers/guest');
const { PREOPEN, Session } = require('../../helpers/session');

const allocated = require(path.resolve(process.argv[2]));

const WARM_UP = 0.1; // the share of cycles that warm up
const BYTES_OF_ONE_CYCLE = 8; // every malloc is larger
const ENTRIES = 32768; // where the names of entries go in memory
const LONG_LIST = Array(1100).fill('buffer');

const out = fs.openSync('/dev/null', 'w');
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));

/** A guest with `createWrites` only, closed or left to the collector. */
function writesCycle(i) {
  const guest = withWrites({ fds: { 1: out }, buffered: i % 3 === 0 });
  const session = new Session(guest);
  session.write(1, i % 100 === 0 ? LONG_LIST : ['one', 'two']);
  if (i % 2 === 0) guest.writes.close();
}

/** A guest that opens a file, reads its directory, and may close neither. */
function wasiCycle(i) {
  const guest = withWASI({ stdout: out, preopens: { '/': directory } });
  const session = new Session(guest);
  const fd = session.open('file');
  session.write(fd, 'text');
  if (i % 3 !== 0) session.close(fd);
  guest.wasi.wasiImport.fd_readdir(PREOPEN, ENTRIES, 1024, 0n, ENTRIES - 8);
  if (i % 2 === 0) guest.wasi.close();
}

async function settled() {
  // Finalizers create garbage for the next collection.
  for (let i = 0; i < 5; i++) {
    global.gc();
    await setImmediate();
  }
  return allocated();
}

async function growth(cycle, count) {
  let before;
  for (let i = 0; i < count; i++) {
    if (i === count * WARM_UP) before = await settled();
    cycle(i);
    // Memories of wasm reserve address space until they are collected.
    if (i % 1000 === 0) await settled();
  }
  return (await settled()) - before;
}

async function main() {
  for (const [cycle, count] of [
    [writesCycle, 100_000],
    [wasiCycle, 10_000],
  ]) {
    const bytes = await growth(cycle, count);
    console.log(`${cycle.name}: ${count} times, ${bytes} bytes more`);
    if (bytes > count * BYTES_OF_ONE_CYCLE) process.exitCode = 1;
  }
  fs.rmSync(directory, { recursive: true });
}

main();
