// A worker of examples/workers.mjs. `run` blocks only this worker's thread.

import { parentPort, workerData } from 'node:worker_threads';
import { run } from 'wasi-writev';

const { module, directory, sentence, name } = workerData;

const { exitCode, stdout } = await run(module, {
  args: ['-ps', '-t', sentence, '-o', `/sound/${name}`],
  preopens: { '/sound': directory },
  stderr: 'inherit',
  encoding: 'utf8',
});
const sounds = stdout.trim().split(' ').length;
parentPort.postMessage({ name, exitCode, sounds });
