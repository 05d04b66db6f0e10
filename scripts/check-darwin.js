'use strict';

// Checks what an addon for macOS is, and what it requires of the process that loads it.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { faultsIn } = require('./faults');
const { FLAT_LOOKUP, PROTECTION, readMachO, textAt } = require('./mach-o');
const { NODE_API } = require('./node-api');

/** The symbols of libSystem that an addon may import. */
const LIBRARY = path.join(__dirname, 'darwin/libSystem.tbd');

/**
 * For each architecture: its name for Apple; its number in the header, and the alignment
 * of segments.
 */
const MACHINES = {
  arm64: { name: 'arm64', cpu: 0x0100000c, page: 0x4000, isSigned: true },
  x64: { name: 'x86_64', cpu: 0x01000007, page: 0x1000, isSigned: false },
};

const BUNDLE = 8; // the type of a file for dlopen

/** How often an addon has each load command. */
const COMMANDS = {
  SEGMENT_64: [3, 3],
  DYLD_INFO_ONLY: [1, 1],
  SYMTAB: [1, 1],
  DYSYMTAB: [1, 1],
  UUID: [1, 1],
  BUILD_VERSION: [1, 1],
  LOAD_DYLIB: [1, 1],
  FUNCTION_STARTS: [0, 1],
  DATA_IN_CODE: [0, 1],
  CODE_SIGNATURE: [0, 1],
};

const { READ, WRITE, EXECUTE } = PROTECTION;
const SEGMENTS = {
  __TEXT: READ | EXECUTE,
  __DATA: READ | WRITE,
  __LINKEDIT: READ,
};

/** What Node looks for in an addon. */
const EXPORTS = [
  '_napi_register_module_v1',
  '_node_api_module_get_api_version_v1',
];

/** The symbols of libSystem that an addon for `arch` may import. */
function symbolsOfLibrary(arch) {
  const lists = fs
    .readFileSync(LIBRARY, 'utf8')
    .matchAll(/targets: +\[(.*)\]\n +symbols: +\[([^\]]*)\]/g);
  return new Set(
    [...lists]
      .filter(([, targets]) => targets.includes(`${MACHINES[arch].name}-macos`))
      .flatMap(([, , symbols]) => symbols.match(/[\w$]+/g)),
  );
}

function commandFaults({ commands }) {
  const counts = Object.fromEntries(
    Object.keys(COMMANDS).map((name) => [name, 0]),
  );
  for (const { name } of commands) counts[name] = (counts[name] ?? 0) + 1;
  return Object.entries(counts).flatMap(([name, count]) => {
    const [least, most] = COMMANDS[name] ?? [0, 0];
    return faultsIn([
      [count >= least, `lacks a load command ${name}`],
      [count <= most, `has a load command ${name} too many`],
    ]);
  });
}

function libraryFaults({ bytes }) {
  const library = textAt(bytes, bytes.readUInt32LE(8));
  return faultsIn([
    [library === '/usr/lib/libSystem.B.dylib', `needs ${library}`],
  ]);
}

/** The platform 1 is macOS; a version is 0xMMMMmmpp. */
function versionFaults({ bytes }, oldest) {
  const [major, minor] = oldest.split('.').map(Number);
  return faultsIn([
    [bytes.readUInt32LE(8) === 1, 'is not for macOS'],
    [
      bytes.readUInt32LE(12) === (major << 16) + (minor << 8),
      `is not for macOS ${oldest} and newer`,
    ],
  ]);
}

function segmentFaults({ segments }, size, page) {
  const names = segments.map(({ name }) => name);
  const faults = faultsIn([
    [names.join() === Object.keys(SEGMENTS).join(), `has segments ${names}`],
  ]);
  let end = { address: 0, offset: 0 };
  for (const { name, ...segment } of segments) {
    const last = name === '__LINKEDIT';
    const hasProtection = [segment.protection, segment.most].every(
      (protection) => protection === SEGMENTS[name],
    );
    faults.push(
      ...faultsIn([
        [hasProtection, `has ${name} with the wrong protection`],
        [
          segment.address === end.address && segment.offset === end.offset,
          `has a gap before ${name}, or an overlap`,
        ],
        [
          [segment.address, segment.offset].every((at) => at % page === 0),
          `has ${name} beside a page's beginning`,
        ],
        [segment.size <= segment.memory, `has more of ${name} than is mapped`],
      ]),
    );
    end = {
      address: segment.address + Math.ceil(segment.memory / page) * page,
      offset: segment.offset + segment.size,
    };
    if (last && end.offset !== size) {
      faults.push('does not end with __LINKEDIT');
    }
  }
  return faults;
}

/** dyld wants the parts of __LINKEDIT inside it, apart, and on words. */
function partFaults({ parts, segments }) {
  const linkedit = segments.find(({ name }) => name === '__LINKEDIT');
  const inOrder = Object.entries(parts)
    .filter(([, { size }]) => size > 0)
    .sort(([, a], [, b]) => a.offset - b.offset);
  let end = linkedit?.offset ?? 0;
  const faults = [];
  for (const [name, { offset, size }] of inOrder) {
    const alignment = { strings: 1, indirect: 4 }[name] ?? 8;
    faults.push(
      ...faultsIn([
        [offset >= end, `has its ${name} over another part`],
        [offset % alignment === 0, `has its ${name} beside a word`],
      ]),
    );
    end = offset + size;
  }
  const most = (linkedit?.offset ?? 0) + (linkedit?.size ?? 0);
  return [
    ...faults,
    ...faultsIn([[end === most, 'has bytes that belong to no part']]),
  ];
}

function importFaults({ binds, externals }, arch) {
  const library = symbolsOfLibrary(arch);
  const allows = {
    [FLAT_LOOKUP]: (name) => NODE_API.has(name.slice(1)),
    1: (name) => library.has(name),
  };
  const bound = new Set(binds.map(({ name }) => name));
  const bindFaults = binds.flatMap((bind) =>
    faultsIn([
      [
        allows[bind.library]?.(bind.name) ?? false,
        `may not import ${bind.name}`,
      ],
      [bind.segment === 1, `binds ${bind.name} outside __DATA`],
    ]),
  );
  const strange = externals
    .filter(({ isDefined, name }) => !isDefined && !bound.has(name))
    .map(({ name }) => `wants ${name}, and does not import it`);
  const usesNode = binds.some(({ library }) => library === FLAT_LOOKUP);
  return [
    ...new Set([...bindFaults, ...strange]),
    ...faultsIn([[usesNode, 'does not use Node-API']]),
  ];
}

function exportFaults({ exports, externals }) {
  const defined = externals
    .filter(({ isDefined }) => isDefined)
    .map(({ name }) => name);
  return [exports, defined]
    .map((names) => [...names].sort().join(' '))
    .flatMap((names) =>
      faultsIn([[names === EXPORTS.join(' '), `exports ${names}`]]),
    );
}

const AD_HOC = 0x2; // nobody's
const LINKER_SIGNED = 0x20000;
const SUPER_BLOB = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const SHA256 = 2;

/** <kern/cs_blobs.h>: everything is big-endian. */
function directoryOf(signature) {
  const [magic, size, count] = [0, 4, 8].map((at) =>
    signature.readUInt32BE(at),
  );
  const offset = signature.readUInt32BE(16);
  const directory = signature.subarray(offset);
  const isAlone =
    magic === SUPER_BLOB &&
    size <= signature.length &&
    count === 1 &&
    directory.readUInt32BE(0) === CODE_DIRECTORY;
  if (!isAlone) throw new RangeError('The signature is not one directory');
  return directory;
}

/** The hashes of a code directory are those of the file's pages up to its `limit`. */
function signatureFaults(bytes, { offset, size }) {
  const directory = directoryOf(bytes.subarray(offset, offset + size));
  const [flags, hashes] = [12, 16].map((at) => directory.readUInt32BE(at));
  const [count, limit] = [28, 32].map((at) => directory.readUInt32BE(at));
  const hashSize = directory.readUInt8(36);
  const page = 2 ** directory.readUInt8(39);
  const faults = faultsIn([
    [(flags & ~LINKER_SIGNED) === AD_HOC, 'is not signed ad hoc'],
    [directory.readUInt8(37) === SHA256, 'is not signed with SHA-256'],
    [limit === offset, 'has bytes before its signature that it leaves out'],
    [count === Math.ceil(limit / page), 'is not signed on each page'],
  ]);
  if (faults.length > 0) return faults;
  for (let i = 0; i < count; i++) {
    const hash = createHash('sha256')
      .update(bytes.subarray(i * page, Math.min((i + 1) * page, limit)))
      .digest();
    const at = hashes + i * hashSize;
    if (!hash.equals(directory.subarray(at, at + hashSize))) {
      faults.push(`has another page ${i} than was signed`);
    }
  }
  return faults;
}

function allFaults(bytes, arch, oldest) {
  const { cpu, isSigned, page } = MACHINES[arch];
  const file = readMachO(bytes);
  const faults = [
    ...faultsIn([
      [file.cpu === cpu, `is not for ${arch}`],
      [file.type === BUNDLE, 'is not a bundle'],
      [!isSigned || file.parts.signature !== undefined, 'is not signed'],
    ]),
    ...commandFaults(file),
  ];
  if (faults.length > 0) return faults; // the others go on from there
  const command = (wanted) => file.commands.find(({ name }) => name === wanted);
  return [
    ...libraryFaults(command('LOAD_DYLIB')),
    ...versionFaults(command('BUILD_VERSION'), oldest),
    ...segmentFaults(file, bytes.length, page),
    ...partFaults(file),
    ...importFaults(file, arch),
    ...exportFaults(file),
    ...(file.parts.signature
      ? signatureFaults(bytes, file.parts.signature)
      : []),
  ];
}

/**
 * @param {string} arch
 * @param {string} file
 * @param {string} oldest the oldest macOS: '11.0'
 * @returns {string[]} the faults of an addon, each the rest of a sentence that begins
 *   with its name
 */
function faultsOf(arch, file, oldest) {
  try {
    return allFaults(fs.readFileSync(file), arch, oldest);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [`cannot be read: ${error.message}`];
  }
}

module.exports = { LIBRARY, MACHINES, faultsOf, symbolsOfLibrary };
