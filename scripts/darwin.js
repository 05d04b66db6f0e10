'use strict';

// Builds the addons for macOS, on Debian. darwin/include declares what src/ needs of
// macOS, and darwin/libSystem.tbd lists the symbols that an addon may import.
// test/package/darwin-headers.test.js compares the objects with those that Apple's headers
// give.

const path = require('node:path');
const { LIBRARY, MACHINES, faultsOf } = require('./check-darwin');
const { FLAGS, clang, systemHeaders } = require('./clang');
const gyp = require('./gyp');

const HEADERS = path.join(__dirname, 'darwin/include');

/** Arguments for clang; `headers` is the directory with those of macOS. */
function compilerFlags(arch, { defines, darwin }, headers) {
  return [
    `--target=${MACHINES[arch].name}-apple-macos${darwin.oldest}`,
    ...darwin.cflags,
    ...FLAGS,
    ...systemHeaders([headers]),
    ...defines.map((define) => `-D${define}`),
  ];
}

function build(arch, settings, output) {
  clang([
    ...compilerFlags(arch, settings, HEADERS),
    ...settings.sources,
    LIBRARY,
    ...['-flto', '-bundle', '-nostdlib', '-fuse-ld=lld'],
    '-Wl,-undefined,dynamic_lookup', // Node has Node-API
    '-Wl,-dead_strip,-S,-x',
    '-Wl,-no_data_const', // two pointers, which would take a page
    ...['-o', output],
  ]);
}

/** The targets of scripts/targets.js for macOS. */
const targets = Object.keys(MACHINES).map((arch) => ({
  name: `darwin-${arch}.node`,
  isReleased: true,
  needs: [],
  build: (output) => build(arch, gyp.settings(), output),
  faultsOf: (file) => faultsOf(arch, file, gyp.settings().darwin.oldest),
}));

module.exports = { HEADERS, build, compilerFlags, targets };
