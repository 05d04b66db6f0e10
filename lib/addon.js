'use strict';

// Finds and loads the addon: what was built here, or the prebuilt one.

const fs = require('node:fs');
const path = require('node:path');
const { abiHash } = require('./native/abi');

const ROOT = path.dirname(__dirname);

// In a checkout, and in a package.
const BUILDS = ['build/Release', 'build/Debug', 'src/build/Release'];

/** `linux-x64`, `darwin-arm64`: what a binary is for. */
const platform = () => `${process.platform}-${process.arch}`;

/** The path of the prebuilt addon for this process. */
const prebuilt = () => path.join(ROOT, 'prebuilds', `${platform()}.node`);

function howToBuild() {
  return process.platform === 'win32'
    ? 'There is none for Windows'
    : `To build it: npx --yes node-gyp rebuild -C "${path.join(ROOT, 'src')}"`;
}

/** @throws {Error} with the code ERR_WASI_WRITEV_NO_NATIVE */
function loadAddon() {
  const built = BUILDS.map((directory) =>
    path.join(ROOT, directory, 'wasi_writev.node'),
  ).filter((file) => fs.existsSync(file));
  const errors = [];
  for (const file of [...built, prebuilt()]) {
    try {
      const addon = require(file);
      if (addon.abi === abiHash()) return addon;
      errors.push(new Error(`${file} was built from other sources`));
    } catch (error) {
      errors.push(error);
    }
  }
  // What was built here comes first: that it does not load says more than that
  // there is no prebuilt one.
  const [cause] = errors;
  const why =
    cause.name === 'NotCapable' // Deno's, which names the flag that is missing
      ? `wasi-writev may not load its addon. ${cause.message}`
      : `wasi-writev has no native build for ${platform()} ` +
        `(Node-API ${process.versions.napi}). ${howToBuild()}`;
  const { withCode } = require('./errors'); // most processes need none
  throw withCode(new Error(why, { cause }), 'ERR_WASI_WRITEV_NO_NATIVE');
}

module.exports = { loadAddon, prebuilt };
