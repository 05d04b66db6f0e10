'use strict';

// Builds and checks the addons for Linux.
//
// An addon links with no libc, and finds its functions in the libc of its process. So
// one file serves glibc and musl. It is compiled with the headers of glibc, whose types
// are at least as large as musl's.

const path = require('node:path');
const {
  dynamicSymbols,
  hardeningFaults,
  importsOf,
  placeFaults,
} = require('./elf');
const { isOfNode, nodeFaults } = require('./node-api');
const { FLAGS, clang, systemHeaders } = require('./clang');
const { settings } = require('./gyp');

/**
 * By Node's name: the compiler's and readelf's; the oldest `glibc` that has its
 * functions; `musl` where that must have them too; what else the compiler takes.
 */
const ARCHITECTURES = {
  x64: {
    triple: 'x86_64-linux-gnu',
    machine: 'X86-64',
    glibc: [2, 17],
    musl: 'x86_64-linux-musl',
    flags: ['-flto'],
  },
  arm64: {
    triple: 'aarch64-linux-gnu',
    machine: 'AArch64',
    glibc: [2, 17],
    musl: 'aarch64-linux-musl',
    // Otherwise atomics call functions of libgcc.
    flags: ['-flto', '-mno-outline-atomics'],
  },
  arm: {
    triple: 'arm-linux-gnueabihf',
    machine: 'ARM',
    glibc: [2, 28],
    flags: [
      ...['-flto', '-march=armv7-a', '-mfpu=vfpv3-d16', '-mthumb'],
      '-D_FILE_OFFSET_BITS=64',
    ],
    // Has the division of 64-bit numbers.
    archive: '/usr/lib/gcc-cross/arm-linux-gnueabihf/12/libgcc.a',
  },
  ppc64: {
    triple: 'powerpc64le-linux-gnu',
    machine: 'PowerPC64',
    glibc: [2, 17],
    flags: [], // lld 19 rejects its own output with -flto
  },
  riscv64: {
    triple: 'riscv64-linux-gnu',
    machine: 'RISC-V',
    glibc: [2, 27],
    flags: ['-flto'],
    isReleased: false, // nodejs.org and npm have no Node for it
  },
  s390x: {
    triple: 's390x-linux-gnu',
    machine: 'S/390',
    glibc: [2, 17],
    flags: ['-flto'],
  },
};

/** The headers and the library of glibc. */
function glibcOf(arch) {
  const { triple } = ARCHITECTURES[arch];
  return arch === process.arch
    ? {
        headers: [`/usr/include/${triple}`, '/usr/include'],
        library: `/usr/lib/${triple}/libc.so.6`,
      }
    : {
        headers: [`/usr/${triple}/include`],
        library: `/usr/${triple}/lib/libc.so.6`,
      };
}

/** The library of musl. */
const muslOf = (arch) => `/usr/lib/${ARCHITECTURES[arch].musl}/libc.so`;

function build(arch, output) {
  const { sources, defines, linux } = settings();
  const { triple, flags, archive } = ARCHITECTURES[arch];
  clang([
    `--target=${triple}`,
    ...linux.cflags,
    ...FLAGS,
    '-fPIC',
    ...systemHeaders(glibcOf(arch).headers),
    ...defines
      // Words have 64 bits, and the headers would require fcntl64 of glibc 2.28.
      .filter((define) => define !== '_FILE_OFFSET_BITS=64')
      .map((define) => `-D${define}`),
    ...sources,
    ...(archive === undefined ? [] : [archive]),
    '-shared',
    '-nostdlib',
    '-fuse-ld=lld',
    ...linux.ldflags,
    ...flags,
    '-fno-plt',
    '-Wl,--strip-all', // a stripped addon is not debugged
    ...['-o', output],
  ]);
}

/** Whether glibc has this version. Symbols of musl have none. */
function isOld(version, [major, minor]) {
  if (version === undefined) return true;
  const found = /^GLIBC_(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  return found !== undefined && found[0] === major && found[1] <= minor;
}

/** The functions of a libc that the oldest glibc has too. */
const functionsOf = (library, glibc) =>
  new Set(
    dynamicSymbols(library)
      .filter(({ where, version }) => where !== 'UND' && isOld(version, glibc))
      .map(({ name }) => name),
  );

/** @returns {string[]} the functions that a libc lacks */
function libcFaults(wanted, library, glibc) {
  const functions = functionsOf(library, glibc);
  return wanted
    .filter((symbol) => !functions.has(symbol))
    .map((symbol) => `${symbol} is not in ${library}, or is too new`);
}

function faultsOf(arch, file) {
  const { machine, glibc, musl } = ARCHITECTURES[arch];
  const imports = importsOf(file).map(({ name }) => name);
  const wanted = imports.filter((name) => !isOfNode(name));
  return [
    ...nodeFaults(imports),
    ...hardeningFaults(file),
    ...placeFaults(file, machine),
    ...libcFaults(wanted, glibcOf(arch).library, glibc),
    ...(musl === undefined ? [] : libcFaults(wanted, muslOf(arch), glibc)),
  ];
}

/** The files that building and checking need. */
function needsOf(arch) {
  const { archive, musl } = ARCHITECTURES[arch];
  const { headers, library } = glibcOf(arch);
  const needs = [path.join(headers[0], 'bits'), library];
  if (archive !== undefined) needs.push(archive);
  if (musl !== undefined) needs.push(muslOf(arch));
  return needs;
}

/** The targets of scripts/targets.js for Linux. */
const targets = Object.keys(ARCHITECTURES).map((arch) => ({
  name: `linux-${arch}.node`,
  isReleased: ARCHITECTURES[arch].isReleased ?? true,
  needs: needsOf(arch),
  build: (output) => build(arch, output),
  faultsOf: (file) => faultsOf(arch, file),
}));

module.exports = { targets };
