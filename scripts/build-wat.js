'use strict';

// Assembles the .wat files of the package: `npm run build:wat`. The results are
// committed. There are two combiners, for unshared and for shared guest memory.

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.dirname(__dirname);
const FEATURES = { bulk_memory: true, multi_memory: true, threads: true };
const FAULTS = 'examples/node-wasi-faults';
const GUEST_MEMORY = '(memory $guest 0)';

/** @returns {Promise<Map<string, Buffer>>} path to bytes */
async function assemble() {
  const wabt = await require('wabt')();
  const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
  const combiner = read('src/combiner.wat');
  const sources = {
    'src/combiner.wasm': combiner,
    'src/combiner-shared.wasm': combiner.replace(
      GUEST_MEMORY,
      '(memory $guest 0 65536 shared)',
    ),
    'src/trampoline.wasm': read('src/trampoline.wat'),
    [`${FAULTS}/guest.wasm`]: read(`${FAULTS}/guest.wat`),
  };
  const results = new Map();
  for (const [name, text] of Object.entries(sources)) {
    const module = wabt.parseWat(name, text, FEATURES);
    results.set(path.join(ROOT, name), Buffer.from(module.toBinary({}).buffer));
    module.destroy();
  }
  return results;
}

async function main() {
  for (const [file, bytes] of await assemble()) {
    fs.writeFileSync(file, bytes);
  }
}

if (require.main === module) main();

module.exports = { assemble };
