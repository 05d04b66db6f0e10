// A worker of examples/workers.mjs. A `run` blocks the thread that it is on; here
// that is this worker's.

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
