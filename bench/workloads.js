'use strict';

// The workloads. Each has
//
//   id, name    for --workloads, and for people
//   group       the table that it is in
//   call        the export of the guest
//   floorCall   the function of floor.c, if its name differs
//   lengths     bytes of each buffer of the list
//   target      'null'   /dev/null
//               'file'   a regular file
//               'pipe'   a pipe that another process empties
//               'full'   the same, but non-blocking, as Node makes it at the
//                        first use of process.stdout
//               'files'  a directory
//               'calls'  a directory with the files for calls.js
//   per         calls in a turn; the figures are for each of them
//   floor       a description of the floor
//   turns       of a check
//   quick       also part of --quick
//   unit        of the figures
//   binary      the bytes are not text
//   bytes       the sum to expect of a turn that writes no bytes

const { CALLS } = require('./calls');
const { LIST_MAX } = require('./guest');

const FILES = 200;
const PAGES = 1024;
const PAGE = 4096;
const PWRITE_LIMIT = 2 ** 20;

const OTHER = 'pipes, and 200 small files';
const QUICK = { quick: true };

const buffers = (count, length) => new Array(count).fill(length);

const WORKLOADS = [
  onNull('1x16', '1 × 16 B', [16], QUICK),
  onNull('4x16', '4 × 16 B', buffers(4, 16), QUICK),
  onNull('16x16', '16 × 16 B', buffers(16, 16)),
  onNull('2x80', '2 × 80 B', [80, 80]),
  onNull('0+69', 'empty, 69 B', [0, 69], QUICK),
  onNull('1x4K', '1 × 4 KiB', [4096]),
  onNull('4x16K', '4 × 16 KiB', buffers(4, 16384)),
  onNull('1x1M', '1 × 1 MiB', [2 ** 20]),
  onNull('1500x8', '1,500 × 8 B', buffers(1500, 8)),
  onFile('1x16', '1 × 16 B', [16]),
  onFile('1x100', '1 × 100 B', [100]),
  onFile('2x100', '2 × 100 B', [100, 100], QUICK),
  onFile('1x64K', '1 × 64 KiB', [65536]),
  onFile('4x16K', '4 × 16 KiB', buffers(4, 16384)),
  onFile('1x1M', '1 × 1 MiB', [2 ** 20]),
  positioned('12', '12 B at random', [12]),
  positioned('4K', '4 KiB at random', [4096], QUICK),
  positioned('12+4K', '12 B, 4 KiB at random', [12, 4096]),
  positioned('row', '12 B, 4 KiB, 4 B in a row', [12, 4096, 4], {
    call: 'pwrite',
  }),
  workload('pipe-1x4K', 'pipe, 1 × 4 KiB', [4096], {
    group: OTHER,
    target: 'pipe',
  }),
  workload('full-1x4K', 'non-blocking pipe, 1 × 4 KiB', [4096], {
    group: OTHER,
    target: 'full',
    ...QUICK,
  }),
  workload('files', 'open, write 100 B, close', [100], {
    group: OTHER,
    call: 'files',
    target: 'files',
    per: FILES,
    unit: 'file',
    floor: 'openat(2), write(2), close(2)',
    ...QUICK,
  }),
  ...CALLS.map(({ id, name, floor: [floorCall, floor], lengths, seen }) => ({
    ...{ id: `call-${id}`, group: 'other calls', name, unit: 'call', per: 1 },
    ...{ call: id, target: 'calls', floorCall, floor },
    lengths: lengths ?? [],
    bytes: seen,
    turns: 100,
    quick: id === 'read-64' || id === 'stat-1',
  })),
];

// Not measured: some rivals crash in these.
const TRIALS = [
  onNull('binary', 'bytes that are no text, nor whole lines', [97, 61], {
    binary: true,
  }),
  onNull('growing', 'a guest that grows by 128 MiB meanwhile', [16], {
    call: 'writeGrowing',
    turns: 1000,
  }),
];

function workload(id, name, lengths, more) {
  const filled = lengths.filter((length) => length > 0).length;
  return {
    id,
    name,
    call: 'write',
    lengths,
    per: 1,
    unit: 'call',
    floor: filled === 1 ? 'write(2)' : 'writev(2)',
    ...more,
  };
}

function onNull(id, name, lengths, more) {
  const group = '/dev/null';
  const target = 'null';
  return workload(`null-${id}`, name, lengths, { group, target, ...more });
}

function onFile(id, name, lengths, more) {
  const group = 'regular file';
  const target = 'file';
  return workload(`file-${id}`, name, lengths, { group, target, ...more });
}

function positioned(id, name, lengths, more) {
  return workload(`pwrite-${id}`, name, lengths, {
    group: 'fd_pwrite',
    target: 'file',
    call: 'pwriteRandom',
    per: lengths.length,
    floor: 'pwrite(2)',
    ...more,
  });
}

/** How many bytes one turn of a workload writes. */
function bytesOf({ bytes, lengths, call }) {
  if (bytes !== undefined) return bytes;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return call === 'files' ? total * FILES : total;
}

/**
 * The bytes that a turn writes, all buffers concatenated: a line of text, so that
 * rivals that write by lines do write, or binary bytes.
 */
function contentOf({ lengths, binary }) {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const content = Buffer.alloc(total);
  for (let i = 0; i < total; i++) {
    content[i] = binary ? i * 167 + (i >> 8) : 33 + ((i * 7 + (i >> 8)) % 94);
  }
  if (!binary) content[total - 1] = 10;
  return content;
}

/**
 * The files that `turns` turns of a workload create, name to contents.
 *
 * @returns {Map<string, Buffer>}
 */
function expected(workload, turns) {
  const { call, target } = workload;
  if (target === 'calls') return new Map();
  const content = contentOf(workload);
  if (call.startsWith('write')) {
    return new Map([['out', Buffer.concat(new Array(turns).fill(content))]]);
  }
  if (call === 'files') {
    const name = (i) => `f${String(i).padStart(3, '0')}`;
    return new Map(buffers(FILES).map((_, i) => [name(i), content]));
  }
  return new Map([['out', afterPwrites(workload, content, turns)]]);
}

function afterPwrites({ call, lengths }, content, turns) {
  const file = Buffer.alloc(PAGES * PAGE);
  let random = 0;
  let end = 0;
  for (let turn = 0; turn < turns; turn++) {
    if (end >= PWRITE_LIMIT) end = 0;
    let from = 0;
    for (const length of lengths) {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
      const at = call === 'pwrite' ? end : ((random >>> 16) % PAGES) * PAGE;
      content.copy(file, at, from, from + length);
      from += length;
      end += length;
    }
  }
  return file;
}

/** The initial contents of `out`: pages to overwrite. */
function before({ call, target }) {
  return target === 'file' && call !== 'write'
    ? Buffer.alloc(PAGES * PAGE)
    : Buffer.alloc(0);
}

for (const { lengths } of WORKLOADS) {
  if (lengths.length > LIST_MAX) throw new RangeError('the list is too long');
}

module.exports = {
  TRIALS,
  FILES,
  WORKLOADS,
  before,
  bytesOf,
  contentOf,
  expected,
};
