'use strict';

// Finds and loads the addon: the file that is named, what was built here, or the
// prebuilt one.

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { abiHash } = require('./native/abi');

const NO_NATIVE = 'ERR_WASI_WRITEV_NO_NATIVE';

// Of Node without --allow-addons, or without leave to read the file; of Deno, which
// names the flag that is missing.
const DENIED = ['ERR_DLOPEN_DISABLED', 'ERR_ACCESS_DENIED'];
const isDenied = ({ code, name }) =>
  DENIED.includes(code) || name === 'NotCapable';

/** `linux-x64`, `darwin-arm64`: what a binary is for. */
const platformName = () => `${process.platform}-${process.arch}`;

// Tools that collect the files of a program see a path in this form: returned by a
// function with a name, from one call of `join` and __dirname, where all but a variable
// is written out.

function builtInCheckout() {
  return path.join(__dirname, '../build/Release/wasi_writev.node');
}

function builtToDebug() {
  return path.join(__dirname, '../build/Debug/wasi_writev.node');
}

function builtInPackage() {
  return path.join(__dirname, '../src/build/Release/wasi_writev.node');
}

/** The path of the prebuilt addon for this process. */
function prebuilt() {
  const platform = platformName();
  return path.join(__dirname, '..', 'prebuilds', `${platform}.node`);
}

/** The path; none in an ES module, as bundlers make them, which has no __dirname. */
function pathsOf(place) {
  try {
    return [place()];
  } catch {
    return [];
  }
}

// An addon that was built on another system may lie in the same directory.
const hasAddons = () => process.platform !== 'win32';

/** Where the addon may be that nobody has named, the first choice first. */
function candidates() {
  if (!hasAddons()) return [];
  return [
    ...[builtInCheckout, builtToDebug, builtInPackage]
      .flatMap(pathsOf)
      .filter((file) => fs.existsSync(file)),
    ...pathsOf(prebuilt),
  ];
}

function howToGetIt() {
  for (const file of pathsOf(prebuilt)) {
    const src = path.resolve(file, '../../src');
    if (fs.existsSync(path.join(src, 'binding.gyp'))) {
      return `To build it: npx --yes node-gyp rebuild -C "${src}"`;
    }
  }
  return 'In a bundle, set WASI_WRITEV_ENGINE to the path of its .node file';
}

/** Why there is no addon, and what to do. `cause` is undefined where none was tried. */
function reasonOf(cause, named) {
  if (named === undefined && !hasAddons()) {
    return 'wasi-writev has no addon for Windows';
  }
  const isMissing = cause === undefined || cause.code === 'MODULE_NOT_FOUND';
  if (isMissing && named === undefined) {
    return (
      `wasi-writev found no native build for ${platformName()} ` +
      `(Node-API ${process.versions.napi}). ${howToGetIt()}`
    );
  }
  // The rest of it are the modules that required the file.
  const [message] = cause.message.replace(/\.$/, '').split('\n');
  if (named !== undefined) {
    return `wasi-writev cannot load what WASI_WRITEV_ENGINE names. ${message}`;
  }
  return isDenied(cause)
    ? `wasi-writev may not load its addon. ${message}`
    : `wasi-writev cannot load its addon. ${message}. ${howToGetIt()}`;
}

/** `require` of its own: bundlers replace the other, and know no file yet. */
function load(file) {
  const addon = createRequire(file)(file);
  if (addon.abi !== abiHash()) {
    throw new Error(`${file} was built from other sources`);
  }
  return addon;
}

/**
 * @param {string} [named] the file; without it, the first that loads
 * @throws {Error} with the code ERR_WASI_WRITEV_NO_NATIVE
 */
function loadAddon(named) {
  const files = named === undefined ? candidates() : [path.resolve(named)];
  const errors = [];
  for (const file of files) {
    try {
      return load(file);
    } catch (error) {
      errors.push(error);
    }
  }
  // What was built here comes first: that it does not load says more than that
  // there is no prebuilt one.
  const [cause] = errors;
  const { withCode } = require('./errors'); // most processes need none
  throw withCode(new Error(reasonOf(cause, named), { cause }), NO_NATIVE);
}

module.exports = { NO_NATIVE, hasAddons, loadAddon, prebuilt };
