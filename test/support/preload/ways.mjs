// Run under the preload: prints, as JSON, for each way to `WASI` of node:wasi
// whether that is ours.

import * as namespace from 'node:wasi';
import defaults, { WASI } from 'wasi';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { isOurs } from './is-ours.js';

const require = createRequire(import.meta.url);

/** What a worker says. */
function ask(source, options) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, options);
    worker.on('message', resolve);
    worker.on('error', reject);
  });
}

const commonjs = new URL('worker.js', import.meta.url);
const helper = JSON.stringify(require.resolve('./is-ours.js'));
const text = `
  const { isOurs } = require(${helper});
  const { WASI } = require('node:wasi');
  require('node:worker_threads').parentPort.postMessage(isOurs(WASI));
`;

const ways = {
  'an import of a name': isOurs(WASI),
  'an import of the default': isOurs(defaults.WASI),
  'an import of all': isOurs(namespace.WASI),
  'a dynamic import': isOurs((await import('node:wasi')).WASI),
  'require of wasi': isOurs(require('wasi').WASI),
  'require of node:wasi': isOurs(require('node:wasi').WASI),
  'a worker with import': await ask(new URL('worker.mjs', import.meta.url)),
  'a worker with require': await ask(commonjs),
  'a worker with an environment of its own': await ask(commonjs, { env: {} }),
  'a worker with flags of its own': await ask(commonjs, { execArgv: [] }),
  'a worker that is given as text': await ask(text, { eval: true }),
  'a worker of a worker': await ask(commonjs, { workerData: 'ask another' }),
};
if (process.getBuiltinModule !== undefined) {
  for (const name of ['wasi', 'node:wasi']) {
    const way = `process.getBuiltinModule of ${name}`;
    ways[way] = isOurs(process.getBuiltinModule(name).WASI);
  }
}
process.stdout.write(JSON.stringify(ways));
