'use strict';

// Assembles the .wat files of src/ into lib/native/wasm.js: `npm run build:wat`. The
// result is committed. The combiner comes in two, for plain and for shared guest
// memory.

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.dirname(__dirname);
const RESULT = path.join(ROOT, 'lib', 'native', 'wasm.js');
const FEATURES = { bulk_memory: true, multi_memory: true, threads: true };
const GUEST_MEMORY = '(memory $guest 0)';

/** @returns {Promise<string>} the text of lib/native/wasm.js */
async function assemble() {
  const wabt = await require('wabt')();
  const read = (name) => fs.readFileSync(path.join(ROOT, 'src', name), 'utf8');
  const combiner = read('combiner.wat');
  const sources = {
    combiner,
    combinerShared: combiner.replace(
      GUEST_MEMORY,
      '(memory $guest 0 65536 shared)',
    ),
    trampoline: read('trampoline.wat'),
  };
  const lines = Object.entries(sources).map(([name, text]) => {
    const module = wabt.parseWat(name, text, FEATURES);
    const bytes = Buffer.from(module.toBinary({}).buffer);
    module.destroy();
    return `  ${name}:\n    '${bytes.toString('hex')}',\n`;
  });
  return [
    "'use strict';\n\n",
    '// The modules of src/*.wat, in hex: a bundler takes no other file along. Made\n',
    '// by scripts/build-wat.js.\n\n',
    `module.exports = {\n${lines.join('')}};\n`,
  ].join('');
}

async function main() {
  fs.writeFileSync(RESULT, await assemble());
}

if (require.main === module) main();

module.exports = { RESULT, assemble };
