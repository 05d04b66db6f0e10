'use strict';

// Programs for musl on Debian, which has no libstdc++ for it: they take glibc's, and a
// library with the functions of glibc that it needs.

const fs = require('node:fs');
const path = require('node:path');
const { fetchPackages, outputOf } = require('../support');

const BUNS = { x64: 'bun-linux-x64-musl', arm64: 'bun-linux-aarch64-musl' };

/** By Node's name: the compiler's; glibc's loader; where Debian has libstdc++. */
const MACHINES = {
  x64: {
    triple: 'x86_64-linux-musl',
    loader: 'ld-linux-x86-64.so.2',
    from: ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu'],
  },
  arm64: {
    triple: 'aarch64-linux-musl',
    loader: 'ld-linux-aarch64.so.1',
    from: ['/usr/aarch64-linux-gnu/lib'],
  },
};

/** Installs the programs into a directory. */
function fetchForMusl(directory) {
  const names = Object.values(BUNS).map((name) => `@oven/${name}`);
  // Contains Node 26. Without the flag npm refuses packages for another machine.
  names.push('@pnpm/linuxstatic-x64@11.21.0');
  fetchPackages(directory, names, ['--force']);
}

/** Makes the libraries for a machine. Returns variables to set. */
function makeLibraries(arch, directory) {
  const { triple, loader, from } = MACHINES[arch];
  const place = path.join(directory, `musl-${arch}`);
  fs.mkdirSync(place, { recursive: true });
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const found = from
      .map((parent) => path.join(parent, name))
      .find((file) => fs.existsSync(file));
    fs.copyFileSync(found, path.join(place, name));
  }
  // libstdc++ requires glibc's dynamic loader by name.
  const library = path.join(place, loader);
  outputOf('clang', [
    `--target=${triple}`,
    '-nostdlibinc',
    ...['-isystem', `/usr/include/${triple}`],
    ...['-O1', '-fPIC', '-shared', '-nostdlib', '-fuse-ld=lld'],
    ...[`-L/usr/lib/${triple}`, '-l:libc.so'],
    path.join(__dirname, 'glibc-on-musl.c'),
    ...['-o', library],
  ]);
  return { LD_LIBRARY_PATH: place, LD_PRELOAD: library };
}

/** @returns {{ command: string[], env: object }} that run Bun */
function muslBun(arch, directory) {
  const bun = path.join(directory, 'node_modules/@oven', BUNS[arch], 'bin/bun');
  const env = makeLibraries(arch, directory);
  if (arch === 'x64') return { command: [bun], env };
  const flags = Object.entries(env).flatMap(([name, value]) => [
    '-E',
    `${name}=${value}`,
  ]);
  return { command: ['qemu-aarch64', ...flags, bun], env: {} };
}

/**
 * Makes Node 26 on x64.
 *
 * @returns {{ command: string[], env: object }} a program that takes command lines of
 *   Node, and variables to set
 */
function muslNode(directory) {
  const place = path.join(directory, 'musl-node');
  fs.mkdirSync(path.join(place, 'dist'), { recursive: true });
  const pnpm = path.join(place, 'pnpm');
  fs.copyFileSync(
    path.join(directory, 'node_modules/@pnpm/linuxstatic-x64/pnpm'),
    pnpm,
  );
  fs.chmodSync(pnpm, 0o755);
  // The program runs this file.
  fs.copyFileSync(
    path.join(__dirname, 'musl-main.mjs'),
    path.join(place, 'dist/pnpm.mjs'),
  );
  const node = path.join(__dirname, 'musl-node.sh');
  const { LD_LIBRARY_PATH, LD_PRELOAD } = makeLibraries('x64', directory);
  const env = {
    NODE_FOR_MUSL: pnpm,
    NODE_SH: node,
    MUSL_LIBRARIES: LD_LIBRARY_PATH,
    MUSL_PRELOAD: LD_PRELOAD,
  };
  return { command: [node], env };
}

module.exports = { fetchForMusl, muslBun, muslNode };
