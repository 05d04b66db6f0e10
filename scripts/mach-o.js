'use strict';

// Reads a Mach-O file of 64 bits, as far as an addon has parts: <mach-o/loader.h> and
// <mach-o/nlist.h>. Throws a RangeError where a part lies outside the file.

const COMMANDS = Object.freeze({
  0x2: 'SYMTAB',
  0xb: 'DYSYMTAB',
  0xc: 'LOAD_DYLIB',
  0x19: 'SEGMENT_64',
  0x1b: 'UUID',
  0x1d: 'CODE_SIGNATURE',
  0x26: 'FUNCTION_STARTS',
  0x29: 'DATA_IN_CODE',
  0x32: 'BUILD_VERSION',
  0x80000022: 'DYLD_INFO_ONLY',
});

/** Bits of a segment's protection. */
const PROTECTION = Object.freeze({ READ: 1, WRITE: 2, EXECUTE: 4 });

/** The `library` of an import that may be in any image of the process. */
const FLAT_LOOKUP = -2;

/** Returns a text of at most `length` bytes, up to its NUL. */
function textAt(bytes, offset, length = Infinity) {
  const end = bytes.indexOf(0, offset);
  if (offset < 0 || end < 0) throw new RangeError('A text has no end');
  return bytes.toString('latin1', offset, Math.min(end, offset + length));
}

/** Reads one byte or one LEB128 after the other. */
class Reader {
  constructor(bytes, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get done() {
    return this.offset >= this.bytes.length;
  }

  byte() {
    return this.bytes.readUInt8(this.offset++);
  }

  text() {
    const text = textAt(this.bytes, this.offset);
    this.offset += text.length + 1;
    return text;
  }

  uleb() {
    let value = 0;
    let factor = 1;
    let byte;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    } while (byte & 0x80);
    return value;
  }
}

/** A part of the file; RangeError if it is not all there. */
function slice(bytes, { offset, size }) {
  if (offset + size > bytes.length) throw new RangeError('A part is cut off');
  return bytes.subarray(offset, offset + size);
}

/** @returns {object[]} the load commands: a `name`, `bytes`, and the `number` */
function commandsOf(bytes) {
  const count = bytes.readUInt32LE(16);
  const end = 32 + bytes.readUInt32LE(20);
  const commands = [];
  let offset = 32;
  for (let i = 0; i < count; i++) {
    const number = bytes.readUInt32LE(offset);
    const size = bytes.readUInt32LE(offset + 4);
    if (size < 8 || offset + size > end) {
      throw new RangeError('A load command is cut off');
    }
    commands.push({
      name: COMMANDS[number] ?? `0x${number.toString(16)}`,
      bytes: slice(bytes, { offset, size }),
    });
    offset += size;
  }
  if (offset !== end) throw new RangeError('The load commands have a gap');
  return commands;
}

/** A segment. Addresses fit a double: an addon begins at 0. */
const segmentOf = ({ bytes }) => ({
  name: textAt(bytes, 8, 16),
  address: Number(bytes.readBigUInt64LE(24)),
  memory: Number(bytes.readBigUInt64LE(32)), // its size there
  offset: Number(bytes.readBigUInt64LE(40)),
  size: Number(bytes.readBigUInt64LE(48)),
  most: bytes.readInt32LE(56), // the protection that it may ever get
  protection: bytes.readInt32LE(60),
});

const pair = (bytes, at) => ({
  offset: bytes.readUInt32LE(at),
  size: bytes.readUInt32LE(at + 4),
});

/** The parts of __LINKEDIT that a command names. */
const PARTS = {
  DYLD_INFO_ONLY: (bytes) => ({
    rebase: pair(bytes, 8),
    bind: pair(bytes, 16),
    weakBind: pair(bytes, 24),
    lazyBind: pair(bytes, 32),
    exports: pair(bytes, 40),
  }),
  SYMTAB: (bytes) => ({
    symbols: {
      offset: bytes.readUInt32LE(8),
      size: bytes.readUInt32LE(12) * 16,
    },
    strings: pair(bytes, 16),
  }),
  DYSYMTAB: (bytes) => ({
    indirect: {
      offset: bytes.readUInt32LE(56),
      size: bytes.readUInt32LE(60) * 4,
    },
  }),
  FUNCTION_STARTS: (bytes) => ({ functionStarts: pair(bytes, 8) }),
  DATA_IN_CODE: (bytes) => ({ dataInCode: pair(bytes, 8) }),
  CODE_SIGNATURE: (bytes) => ({ signature: pair(bytes, 8) }),
};

const partsOf = (commands) =>
  Object.assign(
    {},
    ...commands.map(({ name, bytes }) => PARTS[name]?.(bytes) ?? {}),
  );

/** The opcodes that bind one pointer, with what follows the pointer. */
const BINDS = {
  0x90: () => ({ count: 1, skip: 0 }),
  0xa0: (reader) => ({ count: 1, skip: reader.uleb() }),
  0xb0: (_, immediate) => ({ count: 1, skip: immediate * 8 }),
  0xc0: (reader) => ({ count: reader.uleb(), skip: reader.uleb() }),
};

/**
 * Runs the program that binds pointers to imports. In the lazy one a 0 ends an import,
 * otherwise all.
 */
function bindsOf(bytes, { isLazy }) {
  const reader = new Reader(bytes);
  const binds = [];
  let bind = {};
  while (!reader.done) {
    const byte = reader.byte();
    const opcode = byte & 0xf0;
    const immediate = byte & 0x0f;
    if (opcode === 0x00 && !isLazy) break;
    if (opcode === 0x10) bind.library = immediate;
    else if (opcode === 0x20) bind.library = reader.uleb();
    else if (opcode === 0x30) bind.library = immediate && immediate - 0x10;
    else if (opcode === 0x40) bind.name = reader.text();
    else if (opcode === 0x50) bind.type = immediate;
    else if (opcode === 0x70) {
      bind = { ...bind, segment: immediate, offset: reader.uleb() };
    } else if (opcode === 0x80) {
      bind.offset += reader.uleb();
    } else if (opcode in BINDS) {
      const { count, skip } = BINDS[opcode](reader, immediate);
      if (count > 0xffff) throw new RangeError('A bind has no end');
      for (let i = 0; i < count; i++) {
        binds.push({ ...bind });
        bind.offset += 8 + skip;
      }
    } else if (opcode !== 0x00) {
      throw new RangeError(`A bind has the opcode 0x${byte.toString(16)}`);
    }
  }
  return binds;
}

/** The names in a trie of exports. */
function exportsOf(bytes, prefix = '', offset = 0) {
  if (bytes.length === 0) return [];
  const reader = new Reader(bytes, offset);
  const size = reader.uleb();
  const names = size > 0 ? [prefix] : [];
  reader.offset += size;
  for (let children = reader.byte(); children > 0; children--) {
    const name = prefix + reader.text();
    const child = reader.uleb();
    // Children come after their parents, so the walk ends.
    if (child <= offset) throw new RangeError('The exports have a loop');
    names.push(...exportsOf(bytes, name, child));
  }
  return names;
}

/** The symbols that other images see: defined here, or wanted from elsewhere. */
function externalsOf(bytes, parts) {
  const symbols = slice(bytes, parts.symbols);
  const strings = slice(bytes, parts.strings);
  const externals = [];
  for (let at = 0; at < symbols.length; at += 16) {
    const type = symbols.readUInt8(at + 4);
    const isExternal = (type & 0xf1) === 0x01; // neither private nor for debuggers
    if (!isExternal) continue;
    externals.push({
      name: textAt(strings, symbols.readUInt32LE(at)),
      isDefined: (type & 0x0e) !== 0,
    });
  }
  return externals;
}

const NONE = Object.freeze({ offset: 0, size: 0 });

/** Reads a file. */
function readMachO(bytes) {
  if (bytes.readUInt32LE(0) !== 0xfeedfacf) {
    throw new RangeError('There is no magic number of 64 bits');
  }
  const commands = commandsOf(bytes);
  const parts = partsOf(commands);
  const part = (name) => slice(bytes, parts[name] ?? NONE);
  return {
    cpu: bytes.readUInt32LE(4),
    type: bytes.readUInt32LE(12),
    flags: bytes.readUInt32LE(24),
    commands,
    segments: commands
      .filter(({ name }) => name === 'SEGMENT_64')
      .map(segmentOf),
    parts,
    binds: [
      ...bindsOf(part('bind'), { isLazy: false }),
      ...bindsOf(part('weakBind'), { isLazy: false }),
      ...bindsOf(part('lazyBind'), { isLazy: true }),
    ],
    exports: exportsOf(part('exports')),
    externals: parts.symbols ? externalsOf(bytes, parts) : [],
  };
}

module.exports = { FLAT_LOOKUP, PROTECTION, readMachO, textAt };
