'use strict';

// Records of up to 2,000 buffers each, written by several threads to one file. Seed,
// thread and number determine the buffers of a record, so a reader of the file knows
// each byte.

const assert = require('node:assert/strict');
const { Random } = require('./random');
const { DATA, IOVS } = require('./session');

/** The bytes of memory that a thread needs. */
const SPACE = 4 * 65536;

// The memory of a thread: the list at IOVS, the head of the record at HEAD, and all
// other buffers from BUFFERS on.
const MAX_BUFFERS = 2000;
const HEAD = 32768;
const HEAD_SIZE = 16;
const BUFFERS = 65536;
const BUFFERS_SIZE = SPACE - BUFFERS;

assert.ok(IOVS + 8 * (1 + MAX_BUFFERS) <= HEAD && DATA < BUFFERS);

// How many buffers. One call writes each of these lists whole: see `isWhole`.
const COUNTS = [
  [1, 1],
  [2, 16],
  [17, 1023],
  [1024, MAX_BUFFERS],
];
const SIZES = [4, 60, 300, 1500];

/** The bytes for the buffers of a thread. */
function buffersOf(id) {
  const random = new Random(id);
  const words = Uint32Array.from({ length: BUFFERS_SIZE / 4 }, () =>
    random.below(2 ** 32),
  );
  return Buffer.from(words.buffer);
}

/** The buffers of a record, as [offset from BUFFERS, length]. */
function listOf(seed, id, index) {
  const random = new Random(seed + 1000003 * id + index);
  const count = random.between(...random.pick(COUNTS));
  const size = random.pick(SIZES);
  return Array.from({ length: count }, () => {
    const length = random.below(size + 1);
    return [random.below(BUFFERS_SIZE - length), length];
  });
}

function headOf(id, index, length) {
  const head = Buffer.alloc(HEAD_SIZE, 'head');
  head.writeUInt32LE(id, 4);
  head.writeUInt32LE(index, 8);
  head.writeUInt32LE(length, 12);
  return head;
}

const lengthOf = (list) => list.reduce((sum, [, length]) => sum + length, 0);

/** Writes those bytes to a session's memory. */
function fillBuffers({ memory, base }, id) {
  new Uint8Array(memory.buffer).set(buffersOf(id), base + BUFFERS);
}

/**
 * Writes the list of a record to a session's memory. Returns how many buffers it
 * has.
 */
function putList({ memory, base }, seed, id, index) {
  const list = listOf(seed, id, index);
  const head = headOf(id, index, lengthOf(list));
  new Uint8Array(memory.buffer).set(head, base + HEAD);
  const words = new Uint32Array(memory.buffer, base + IOVS);
  words[0] = base + HEAD;
  words[1] = HEAD_SIZE;
  list.forEach(([pointer, length], i) => {
    words[2 * i + 2] = base + BUFFERS + pointer;
    words[2 * i + 3] = length;
  });
  return list.length + 1;
}

// A list of at most IOV_MAX buffers is written whole. So is a longer one of small
// buffers that fit the scratch buffer, except by Node.
const IOV_MAX = 1024;
const SMALL = 1024;
const SCRATCH = 65536;

function isWhole(list, byNode) {
  return (
    list.length + 1 <= IOV_MAX ||
    (!byNode &&
      list.every(([, length]) => length <= SMALL) &&
      HEAD_SIZE + lengthOf(list) <= SCRATCH)
  );
}

/**
 * Asserts that `bytes` are the records of all threads: each in one piece, in the
 * order of its thread, and cut only where a list may be.
 *
 * @param {Buffer} bytes
 * @param {number} seed
 * @param {number[][]} written for each thread, the count that each call returned
 * @param {boolean} byNode whether Node's fd_write wrote them
 * @returns {number} how many were cut
 */
function assertLists(bytes, seed, written, byNode) {
  const next = written.map(() => 0);
  const buffers = written.map((_, id) => buffersOf(id));
  let cut = 0;
  let at = 0;
  while (at < bytes.length) {
    assert.equal(bytes.toString('latin1', at, at + 4), 'head', `at ${at}`);
    const id = bytes.readUInt32LE(at + 4);
    assert.ok(id < written.length, `thread ${id} at ${at}`);
    const index = next[id]++;
    const list = listOf(seed, id, index);
    const record = Buffer.concat([
      headOf(id, index, lengthOf(list)),
      ...list.map(([pointer, length]) =>
        buffers[id].subarray(pointer, pointer + length),
      ),
    ]);
    const size = written[id][index];
    if (size < record.length) {
      assert.equal(
        isWhole(list, byNode),
        false,
        `record ${index} of ${id} is short`,
      );
      cut++;
    }
    assert.ok(
      bytes.subarray(at, at + size).equals(record.subarray(0, size)),
      `the bytes at ${at} are not the record ${index} of ${id}`,
    );
    at += size;
  }
  assert.equal(at, bytes.length);
  assert.deepEqual(
    next,
    written.map(({ length }) => length),
  );
  return cut;
}

module.exports = { SPACE, assertLists, fillBuffers, putList };
