'use strict';

// Builds every guest: NAME.wat with wabt, NAME.c with clang and wasi-libc
// (apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32).
//
//   node test/guests/build.js [NAME.wat NAME.c ...]
//
// The results are committed, so that the tests need neither.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const FEATURES = {
  bulk_memory: true,
  exceptions: true,
  multi_memory: true,
  threads: true,
};

function buildWat(wabt, source, target) {
  const parsed = wabt.parseWat(
    source,
    fs.readFileSync(source, 'utf8'),
    FEATURES,
  );
  fs.writeFileSync(target, parsed.toBinary({}).buffer);
  parsed.destroy();
}

function buildC(source, target) {
  execFileSync(
    'clang',
    [
      '--target=wasm32-wasi',
      '-O2',
      '-Wall',
      '-Wextra',
      '-Wl,--strip-all',
      '-o',
      target,
      source,
    ],
    { stdio: 'inherit' },
  );
}

async function main() {
  const names = process.argv.slice(2).map((name) => path.basename(name));
  const sources = fs
    .readdirSync(__dirname)
    .filter((name) => /\.(wat|c)$/.test(name))
    .filter((name) => names.length === 0 || names.includes(name));
  const wabt = await require('wabt')();
  for (const name of sources) {
    const source = path.join(__dirname, name);
    const target = source.replace(/\.(wat|c)$/, '.wasm');
    if (name.endsWith('.wat')) buildWat(wabt, source, target);
    else buildC(source, target);
  }
}

main();
