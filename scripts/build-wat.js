'use strict';

// Assembles the .wat files of src/: `npm run build:wat`. The results are committed.
// There are two combiners, for unshared and for shared guest memory.

const fs = require('node:fs');
const path = require('node:path');

const SRC = path.join(__dirname, '..', 'src');
const FEATURES = { bulk_memory: true, multi_memory: true, threads: true };
const GUEST_MEMORY = '(memory $guest 0)';

/** @returns {Promise<Map<string, Buffer>>} file name to bytes */
async function assemble() {
  const wabt = await require('wabt')();
  const read = (name) => fs.readFileSync(path.join(SRC, name), 'utf8');
  const combiner = read('combiner.wat');
  const sources = {
    'combiner.wasm': combiner,
    'combiner-shared.wasm': combiner.replace(
      GUEST_MEMORY,
      '(memory $guest 0 65536 shared)',
    ),
    'trampoline.wasm': read('trampoline.wat'),
  };
  const results = new Map();
  for (const [name, text] of Object.entries(sources)) {
    const module = wabt.parseWat(name, text, FEATURES);
    results.set(name, Buffer.from(module.toBinary({}).buffer));
    module.destroy();
  }
  return results;
}

async function main() {
  for (const [name, bytes] of await assemble()) {
    fs.writeFileSync(path.join(SRC, name), bytes);
  }
}

if (require.main === module) main();

module.exports = { assemble };
