// Run under the preload: a program that makes a WASI of its own for a tool. The
// argument: JSON of `file`, `args`, further `options` for WASI, and `stdout`:
// 'chunks', 'capture' or the path of a file. `ours`: the WASI of this package.
// `inWorker`: all of it in a worker. Prints, as JSON, what became of it.

import fs from 'node:fs';
import { WASI as NodeWASI } from 'node:wasi';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { WASI as OurWASI } from '../../../lib/index.js';

function run({ args, file, options, ours, stdout }) {
  const chunks = [];
  const targets = {
    capture: () => 'capture',
    chunks: () => (chunk) => chunks.push(Buffer.from(chunk).toString()),
  };
  const { O_NONBLOCK, O_WRONLY } = fs.constants;
  const open = () => fs.openSync(stdout, O_WRONLY | O_NONBLOCK);
  const WASI = ours ? OurWASI : NodeWASI;
  const wasi = new WASI({
    version: 'preview1',
    args: ['tool', ...args],
    stdout: (targets[stdout] ?? open)(),
    stderr: 'capture',
    ...options,
  });
  const module = new WebAssembly.Module(fs.readFileSync(file));
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  const exitCode = wasi.start(instance);
  const [out, err] = [wasi.stdout, wasi.stderr].map((bytes) =>
    bytes === null ? null : bytes.toString(),
  );
  return { exitCode, chunks, stats: wasi.stats, stdout: out, stderr: err };
}

const task = isMainThread ? JSON.parse(process.argv[2]) : workerData;
if (isMainThread && task.inWorker) {
  new Worker(new URL(import.meta.url), { workerData: task });
} else {
  fs.writeSync(1, JSON.stringify(run(task)));
}
