'use strict';

// guest.wat: assembles it, and defines the layout of its memory.

const fs = require('node:fs');
const path = require('node:path');

const NWRITTEN = 512;
const PATH = 1024;
const LIST = 4096;
const LIST_MAX = 7000; // buffers
const DATA = 65536;
const GAP = 99; // bytes between two buffers, which would be merged otherwise

const OFLAGS_CREAT = 1;

/** Assembles a guest into a file, and returns that file's path. */
async function assemble(
  directory,
  name = 'guest',
  source = fs.readFileSync(path.join(__dirname, 'guest.wat'), 'utf8'),
) {
  const wabt = await require('wabt')();
  const file = path.join(directory, `${name}.wasm`);
  const module = wabt.parseWat(`${name}.wat`, source);
  fs.writeFileSync(file, module.toBinary({}).buffer);
  return file;
}

/** Puts a list of buffers of these lengths in memory, with their contents. */
function fill({ memory }, lengths, content) {
  const words = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  let at = DATA;
  let from = 0;
  lengths.forEach((length, i) => {
    words.setUint32(LIST + 8 * i, at, true);
    words.setUint32(LIST + 8 * i + 4, length, true);
    bytes.set(content.subarray(from, from + length), at);
    at += length + GAP;
    from += length;
  });
}

/**
 * Lets the guest open or create a file in its preopen.
 *
 * @returns {{ errno: number, fd: number }}
 */
function open({ memory, open }, directory, name) {
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(Buffer.from(name), PATH);
  const errno = open(directory, PATH, name.length, OFLAGS_CREAT, NWRITTEN);
  const fd = new DataView(memory.buffer).getUint32(NWRITTEN, true);
  return { errno, fd };
}

/**
 * Makes `turns` turns of a workload on an fd. Returns the last errno other than 0.
 */
function turn(exports, { call, lengths, target }, fd, turns) {
  if (target === 'calls') return exports[call](fd, turns);
  return call === 'files'
    ? exports.files(fd, LIST, lengths.length, NWRITTEN, PATH, turns)
    : exports[call](fd, LIST, lengths.length, NWRITTEN, turns);
}

module.exports = {
  LIST,
  LIST_MAX,
  NWRITTEN,
  PATH,
  assemble,
  fill,
  open,
  turn,
};
