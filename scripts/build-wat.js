'use strict';

// Assembles the .wat files of the package: `npm run build:wat`. The results are
// committed. Those of src/ go into lib/native/wasm.js; there are two combiners, for
// unshared and for shared guest memory.

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.dirname(__dirname);
const FEATURES = { bulk_memory: true, multi_memory: true, threads: true };
const FAULTS = 'examples/node-wasi-faults';
const GUEST_MEMORY = '(memory $guest 0)';

const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');

/** The text of lib/native/wasm.js. */
function textOf(modules) {
  const lines = Object.entries(modules).map(
    ([name, bytes]) => `  ${name}:\n    '${bytes.toString('hex')}',\n`,
  );
  return [
    "'use strict';\n\n",
    '// The modules of src/*.wat, in hex, for bundlers. Made by scripts/build-wat.js.\n\n',
    `module.exports = {\n${lines.join('')}};\n`,
  ].join('');
}

/** @returns {Promise<Map<string, Buffer>>} path to bytes */
async function assemble() {
  const wabt = await require('wabt')();
  const bytesOf = (name, text) => {
    const module = wabt.parseWat(name, text, FEATURES);
    const bytes = Buffer.from(module.toBinary({}).buffer);
    module.destroy();
    return bytes;
  };
  const combiner = read('src/combiner.wat');
  const shared = combiner.replace(
    GUEST_MEMORY,
    '(memory $guest 0 65536 shared)',
  );
  const text = textOf({
    combiner: bytesOf('combiner', combiner),
    combinerShared: bytesOf('combiner', shared),
    trampoline: bytesOf('trampoline', read('src/trampoline.wat')),
  });
  const guest = bytesOf('guest', read(`${FAULTS}/guest.wat`));
  return new Map([
    [path.join(ROOT, 'lib/native/wasm.js'), Buffer.from(text)],
    [path.join(ROOT, FAULTS, 'guest.wasm'), guest],
  ]);
}

async function main() {
  for (const [file, bytes] of await assemble()) {
    fs.writeFileSync(file, bytes);
  }
}

if (require.main === module) main();

module.exports = { assemble };
