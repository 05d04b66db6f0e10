'use strict';

// Finds and loads the addon: what was built here, or the prebuilt one.

const fs = require('node:fs');
const path = require('node:path');
const { abiHash } = require('./native/abi');

const ROOT = path.dirname(__dirname);

// In a checkout, and in a package.
const BUILDS = ['build/Release', 'build/Debug', 'src/build/Release'];

// More than the ELF header, the program headers and the name of the dynamic
// loader, which linkers put at the start of a program.
const START = 4096;

/**
 * The libc of this process. The one for which Node was built counts, not what
 * else is installed: it names its dynamic loader. `process.report` knows it too,
 * but takes milliseconds.
 */
function libc() {
  const start = Buffer.alloc(START);
  try {
    const program = fs.openSync(process.execPath, 'r');
    fs.readSync(program, start, 0, START, 0);
    fs.closeSync(program);
  } catch {
    return 'glibc';
  }
  return start.includes('/ld-musl-') ? 'musl' : 'glibc';
}

/** `linux-x64-glibc`, `darwin-arm64`: what a binary is for. */
function platform() {
  const name = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' ? `${name}-${libc()}` : name;
}

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
