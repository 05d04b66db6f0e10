'use strict';

// The cost of a buffered write, against the system call alone and node:wasi.
//
//   npm install && node buffered.js
//
// Every figure is the median over interleaved rounds, in nanoseconds for a turn
// of the guest's loop, and its ratio to the system calls of the same size, made
// from C in this process.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { WASI: NodeWASI } = require('node:wasi');
const { createWrites } = require('..');
const floor = require('./build/Release/floor.node');

const ROUNDS = 25;
const WARM_UP = 3;
const TURNS = 20000;
const FD = 1;
const LIST = 1024; // where the guest's list of buffers is
const DATA = 4096;
const NWRITTEN = 512;

const WORKLOADS = [
  { name: '1 x 16 B to /dev/null', call: 'write', lengths: [16] },
  { name: '2 x 80 B to /dev/null', call: 'write', lengths: [80, 80] },
  { name: '1 x 16 B to a file', call: 'write', lengths: [16], file: true },
  {
    name: 'pwrite 12 + 4096 + 4 B to a file',
    call: 'pwrite',
    lengths: [12, 4096, 4],
    file: true,
  },
];

function compileGuest(wabt) {
  const source = fs.readFileSync(path.join(__dirname, 'guest.wat'), 'utf8');
  const module = wabt.parseWat('guest.wat', source);
  return new WebAssembly.Module(module.toBinary({}).buffer);
}

/** A guest under `imports`, ready to make the workload's calls. */
function instantiate(module, imports, { lengths }) {
  const { exports } = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: imports,
  });
  const data = new DataView(exports.memory.buffer);
  let at = DATA;
  lengths.forEach((length, i) => {
    data.setUint32(LIST + 8 * i, at, true);
    data.setUint32(LIST + 8 * i + 4, length, true);
    at += length + 99;
  });
  return exports;
}

function ours(options) {
  return (module, workload, hostFd) => {
    const target = options.target ?? hostFd;
    const writes = createWrites({
      fds: { [FD]: target },
      buffered: options.buffered,
      captureLimit: 2 ** 32,
    });
    const guest = instantiate(module, writes, workload);
    writes.setMemory(guest.memory);
    return { guest, done: () => writes.flush() };
  };
}

// Behind closures: called directly from wasm, Node 20 and 22 may crash.
function nodeWASI(module, workload, hostFd) {
  const wasi = new NodeWASI({ version: 'preview1', stdout: hostFd });
  const { fd_write, fd_pwrite } = wasi.wasiImport;
  const guest = instantiate(
    module,
    {
      fd_write: (a, b, c, d) => fd_write(a, b, c, d),
      fd_pwrite: (a, b, c, d, e) => fd_pwrite(a, b, c, d, e),
    },
    workload,
  );
  const setMemory = Object.getOwnPropertySymbols(wasi).find(
    ({ description }) => description === 'kSetMemory',
  );
  wasi[setMemory](guest.memory);
  return { guest, done: () => {} };
}

// Two groups, since the engine optimises the calls of the first combiner in a
// process further than it can when there are several, as is rare in practice.
const GROUPS = {
  buffered: {
    buffered: ours({ buffered: true }),
    unbuffered: ours({ buffered: false }),
    'node:wasi behind closures': nodeWASI,
  },
  capture: {
    capture: ours({ target: 'capture' }),
    unbuffered: ours({ buffered: false }),
  },
};

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function measure(module, hosts, workload, directory) {
  const target = workload.file ? path.join(directory, 'out') : '/dev/null';
  const hostFd = fs.openSync(target, 'w');
  const { call, lengths } = workload;
  const times = { 'system calls from C': [] };
  const runs = [];
  for (const [name, create] of Object.entries(hosts)) {
    times[name] = [];
    runs.push({ name, ...create(module, workload, hostFd) });
  }
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const keep = (name, time) => round >= 0 && times[name].push(time);
    if (workload.file) fs.ftruncateSync(hostFd);
    keep('system calls from C', floor[call](hostFd, lengths, TURNS));
    for (const { name, guest, done } of runs) {
      if (workload.file) fs.ftruncateSync(hostFd);
      const start = process.hrtime.bigint();
      const errno = guest[call](FD, LIST, lengths.length, NWRITTEN, TURNS);
      done();
      keep(name, Number(process.hrtime.bigint() - start));
      if (errno !== 0) throw new Error(`${name}: errno ${errno}`);
    }
  }
  fs.closeSync(hostFd);
  return times;
}

function report(workload, times) {
  console.log(`\n${workload.name}`);
  const base = median(times['system calls from C']) / TURNS;
  for (const [name, values] of Object.entries(times)) {
    const ns = median(values) / TURNS;
    console.log(
      `  ${name.padEnd(28)}${ns.toFixed(1).padStart(9)} ns` +
        `${(ns / base).toFixed(3).padStart(9)}`,
    );
  }
}

async function main() {
  const group = process.argv[2];
  if (group === undefined) {
    console.log(`Node ${process.version}, ${os.cpus()[0].model}`);
    for (const name of Object.keys(GROUPS)) {
      execFileSync(process.execPath, [...process.execArgv, __filename, name], {
        stdio: 'inherit',
      });
    }
    return;
  }
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  const module = compileGuest(await require('wabt')());
  for (const workload of WORKLOADS) {
    // fd_pwrite to a capture is SPIPE.
    if (group === 'capture' && workload.call === 'pwrite') continue;
    const times = measure(module, GROUPS[group], workload, directory);
    report(workload, times);
  }
  fs.rmSync(directory, { recursive: true });
}

main();
