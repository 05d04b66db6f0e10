'use strict';

// The settings of src/binding.gyp, for the builds of a release.

const fs = require('node:fs');
const path = require('node:path');
const { runInNewContext } = require('node:vm');

const FILE = path.join(__dirname, '..', 'src', 'binding.gyp');

/**
 * @returns {object} `sources` and `defines`; for `linux` the `cflags` and `ldflags`; for
 *   `darwin` the `cflags`, and `oldest`, the oldest macOS
 */
function settings() {
  // Without its comments, the Python literal is a JS literal.
  const text = fs.readFileSync(FILE, 'utf8').replace(/#.*/g, '');
  const [{ conditions }] = runInNewContext(`(${text})`).targets;
  const [[, , { sources, defines, cflags, ldflags }], [, mac]] = conditions;
  const { MACOSX_DEPLOYMENT_TARGET: oldest, OTHER_CFLAGS } = mac.xcode_settings;
  return {
    sources,
    defines,
    linux: { cflags, ldflags },
    darwin: { cflags: OTHER_CFLAGS, oldest },
  };
}

module.exports = { settings };
