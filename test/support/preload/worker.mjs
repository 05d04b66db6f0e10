// A worker: says whether `WASI` is ours here.

import { WASI } from 'wasi';
import { parentPort } from 'node:worker_threads';
import { isOurs } from './is-ours.js';

parentPort.postMessage(isOurs(WASI));
