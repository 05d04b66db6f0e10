'use strict';

// Compiles the addons for macOS on Debian, with clang and lld. darwin/include declares
// what src/ needs of macOS, and darwin/libSystem.tbd lists the symbols that an addon may
// import. test/package/darwin-headers.test.js compares the objects with those that
// Apple's headers give.

const { spawnSync } = require('node:child_process');
const path = require('node:path');

const DARWIN = path.join(__dirname, 'darwin');
const HEADERS = path.join(DARWIN, 'include');
const LIBRARY = path.join(DARWIN, 'libSystem.tbd');
const SRC = path.join(__dirname, '..', 'src');

/** The compiler's names of Node's architectures. */
const MACHINES = { arm64: 'arm64', x64: 'x86_64' };

/**
 * Arguments for clang.
 *
 * @param {string} arch
 * @param {object} settings of src/binding.gyp: `cflags`, `defines`, and `oldest`, the
 *   oldest macOS
 * @param {string} headers the directory with those of macOS
 */
function compilerFlags(arch, { cflags, defines, oldest }, headers) {
  const { include_dir: nodeHeaders } = require('node-api-headers');
  return [
    `--target=${MACHINES[arch]}-apple-macos${oldest}`,
    ...cflags,
    ...['-Oz', '-Werror', '-nostdlibinc'],
    // No exception passes through C.
    '-fno-asynchronous-unwind-tables',
    ...[nodeHeaders, headers].flatMap((directory) => ['-isystem', directory]),
    ...defines.map((define) => `-D${define}`),
  ];
}

/** Runs clang in src/. */
function compile(args) {
  const options = { cwd: SRC, stdio: 'inherit' };
  const { error, status } = spawnSync('clang', args, options);
  if (error) throw error;
  if (status !== 0) throw new Error(`clang failed: ${args.join(' ')}`);
}

/**
 * Builds an addon.
 *
 * @param {object} options `arch`, the `output`, and the settings of src/binding.gyp:
 *   `sources`, and see `compilerFlags`
 */
function build({ arch, output, sources, ...settings }) {
  compile([
    ...compilerFlags(arch, settings, HEADERS),
    ...sources,
    LIBRARY,
    ...['-flto', '-bundle', '-nostdlib', '-fuse-ld=lld'],
    '-Wl,-undefined,dynamic_lookup', // Node has Node-API
    '-Wl,-dead_strip,-S',
    '-Wl,-no_data_const', // two pointers, which would take a page
    ...['-o', output],
  ]);
}

module.exports = { HEADERS, LIBRARY, MACHINES, build, compile, compilerFlags };
