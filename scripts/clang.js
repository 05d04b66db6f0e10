'use strict';

// The compiler of the addons that the package ships.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { include_dir: nodeHeaders } = require('node-api-headers');

/** Of LLVM 19: lld 14 crashes on s390x. */
const CLANG = 'clang-19';
const LLD = 'lld-19';

/** Compiles and links in src/, with the headers of Node-API. */
function clang(args) {
  const { status, error } = spawnSync(
    CLANG,
    [...args, `-fuse-ld=${LLD}`, '-isystem', nodeHeaders],
    { cwd: path.join(__dirname, '../src'), stdio: 'inherit' },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`${CLANG} ${args.join(' ')} failed`);
}

module.exports = { CLANG, LLD, clang };
