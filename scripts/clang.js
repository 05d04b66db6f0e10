'use strict';

// The compiler of the addons that the package ships.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { include_dir: NODE_HEADERS } = require('node-api-headers');

const SRC = path.join(__dirname, '..', 'src');

/** Of LLVM 19, and so is the linker beside it: lld 14 crashes on s390x. */
const CLANG = 'clang-19';
const LLD = 'lld-19';

/**
 * Flags of every target. -Oz and LTO save 11 kB over -O2. Calls take 1 or 2% longer;
 * reading a clock, which makes no system call, takes 6% longer: 3 ns. No exception passes
 * through C.
 */
const FLAGS = [
  '-Oz',
  '-Werror',
  '-nostdlibinc',
  '-fno-asynchronous-unwind-tables',
];

const systemHeaders = (directories) =>
  [NODE_HEADERS, ...directories].flatMap((name) => ['-isystem', name]);

/** Compiles in src/. */
function clang(args) {
  const options = { cwd: SRC, stdio: 'inherit' };
  const { status, error } = spawnSync(CLANG, args, options);
  if (error) throw error;
  if (status !== 0) throw new Error(`${CLANG} ${args.join(' ')} failed`);
}

module.exports = { CLANG, FLAGS, LLD, clang, systemHeaders };
