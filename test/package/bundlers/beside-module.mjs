// The addon and the thread beside a program that stays an ES module, as
// docs/bundling.md has it.

import path from 'node:path';
import { engine, run } from 'wasi-writev';

const beside = (name) => path.join(import.meta.dirname, name);

process.env.WASI_WRITEV_ENGINE ??= beside('linux-x64.node');
process.env.WASI_WRITEV_THREAD ??= beside('thread.mjs');

run(beside('toolbox.wasm'), { args: ['say', 'hi'], encoding: 'utf8' }).then(
  ({ stdout }) => process.stdout.write(`${engine} ${stdout}`),
);
