'use strict';

// The calls other than writes. Each is the body of a loop in a guest of its own. A
// function of floor-calls.c makes the same system calls. `seen` is what one call
// must add to $written.
//
// The memory has the layout of guest.js. site.js creates the files.

const { LIST, NWRITTEN, PATH } = require('./guest');

const DATA = 'data';
const DEEP = 'a/b/c/data';
const LIST_ENTRIES = 1000;
const DATA_SIZE = 1088 * 64 * 15; // a whole number of reads of each size

const RESULT = 0x8000;
const BLOCK = 0x30000; // after the buffer for reads
const BLOCK_SIZE = 4096;

// fd_read, fd_seek, fd_tell, fd_filestat_get
const RIGHTS_READ = (1n << 1n) | (1n << 2n) | (1n << 5n) | (1n << 21n);
const RIGHTS_READDIR = 1n << 14n;
const OFLAGS_DIRECTORY = 2;

const i32 = (value) => `(i32.const ${value})`;
const i64 = (value) => `(i64.const ${value})`;
const call = (name, ...args) => `(call $${name} ${args.join(' ')})`;
const local = (name) => `(local.get $${name})`;
const load32 = (at) => `(i64.load32_u ${i32(at)})`;
const load64 = (at) => `(i64.load ${i32(at)})`;

const IMPORTS = {
  fd_read: 'i32 i32 i32 i32',
  fd_pread: 'i32 i32 i32 i64 i32',
  fd_seek: 'i32 i64 i32 i32',
  fd_filestat_get: 'i32 i32',
  path_filestat_get: 'i32 i32 i32 i32 i32',
  path_open: 'i32 i32 i32 i32 i32 i64 i64 i32 i32',
  fd_close: 'i32',
  fd_readdir: 'i32 i32 i32 i64 i32',
  clock_time_get: 'i32 i64 i32',
  random_get: 'i32 i32',
  poll_oneoff: 'i32 i32 i32 i32',
};

/** Sets `errno`, and adds `seen` if it is 0. */
const make = (errno, seen) => `
  (local.set $errno ${errno})
  (local.set $errnos
    (select ${local('errno')} ${local('errnos')} ${local('errno')}))
  (if (i32.eqz ${local('errno')}) (then ${add(seen)}))`;

const add = (seen) =>
  `(global.set $written (i64.add (global.get $written) ${seen}))`;

/** Starts again at the end of the file. */
function read(count) {
  const once = make(
    call('fd_read', local('fd'), i32(LIST), i32(count), i32(RESULT)),
    load32(RESULT),
  );
  return `${once}
  (if (i32.eqz (i32.load ${i32(RESULT)})) (then
    (drop ${call('fd_seek', local('fd'), i64(0), i32(0), i32(RESULT))})
    ${once}))`;
}

const stat = (path) =>
  make(
    call(
      'path_filestat_get',
      ...[local('fd'), i32(0), i32(PATH), i32(path.length), i32(RESULT)],
    ),
    load64(RESULT + 32),
  );

const openAndClose = (path) => `
  ${make(
    call(
      'path_open',
      ...[local('fd'), i32(0), i32(PATH), i32(path.length), i32(0)],
      ...[i64(RIGHTS_READ), i64(0), i32(0), i32(RESULT)],
    ),
    i64(1),
  )}
  ${make(call('fd_close', `(i32.load ${i32(RESULT)})`), i64(1))}`;

// Counts entries of `list` only: not all hosts have `.` and `..`.
const READDIR = `
  (local.set $cookie ${i64(0)})
  (loop $block
    ${make(call('fd_readdir', local('fd'), i32(BLOCK), i32(BLOCK_SIZE), local('cookie'), i32(RESULT)), i64(0))}
    (local.set $at ${i32(BLOCK)})
    (local.set $end (i32.add ${i32(BLOCK)} (i32.load ${i32(RESULT)})))
    (block $cut (loop $entry
      (br_if $cut (i32.gt_u (i32.add ${local('at')} ${i32(24)}) ${local('end')}))
      (local.set $length (i32.load offset=16 ${local('at')}))
      (br_if $cut (i32.gt_u
        (i32.add (i32.add ${local('at')} ${i32(24)}) ${local('length')})
        ${local('end')}))
      (local.set $cookie (i64.load ${local('at')}))
      (if (i32.gt_u ${local('length')} ${i32(2)}) (then ${add(i64(1))}))
      (local.set $at
        (i32.add (i32.add ${local('at')} ${i32(24)}) ${local('length')}))
      (br $entry)))
    (br_if $block
      (i32.eq (i32.load ${i32(RESULT)}) ${i32(BLOCK_SIZE)})))`;

/** What `fd` is: a file to read, a directory, or the preopen. */
const FILE = { path: DATA, oflags: 0, rights: RIGHTS_READ };
const DIRECTORY = {
  path: 'list',
  oflags: OFLAGS_DIRECTORY,
  rights: RIGHTS_READDIR,
};

const CALLS = [
  {
    id: 'read-64',
    name: 'fd_read 64 B',
    floor: ['read', 'read(2)'],
    fd: FILE,
    lengths: [64],
    seen: 64,
    body: read(1),
  },
  {
    id: 'read-64+1024',
    name: 'fd_read 64 + 1,024 B',
    floor: ['read', 'readv(2)'],
    fd: FILE,
    lengths: [64, 1024],
    seen: 1088,
    body: read(2),
  },
  {
    id: 'pread-64',
    name: 'fd_pread 64 B',
    floor: ['pread', 'pread(2)'],
    fd: FILE,
    lengths: [64],
    seen: 64,
    body: make(
      call('fd_pread', local('fd'), i32(LIST), i32(1), i64(0), i32(RESULT)),
      load32(RESULT),
    ),
  },
  {
    id: 'seek',
    name: 'fd_seek',
    floor: ['seek', 'lseek(2)'],
    fd: FILE,
    seen: 1,
    body: make(
      call('fd_seek', local('fd'), i64(1), i32(0), i32(RESULT)),
      load64(RESULT),
    ),
  },
  {
    id: 'fstat',
    name: 'fd_filestat_get',
    floor: ['fstat', 'fstat(2)'],
    fd: FILE,
    seen: DATA_SIZE,
    body: make(
      call('fd_filestat_get', local('fd'), i32(RESULT)),
      load64(RESULT + 32),
    ),
  },
  {
    id: 'stat-1',
    name: 'path_filestat_get, one component',
    floor: ['stat1', 'fstatat(2)'],
    path: DATA,
    seen: DATA_SIZE,
    body: stat(DATA),
  },
  {
    id: 'stat-4',
    name: 'path_filestat_get, four',
    floor: ['stat4', 'fstatat(2)'],
    path: DEEP,
    seen: DATA_SIZE,
    body: stat(DEEP),
  },
  {
    id: 'open-1',
    name: 'path_open + fd_close, one component',
    floor: ['open1', 'openat(2), close(2)'],
    path: DATA,
    seen: 2,
    body: openAndClose(DATA),
  },
  {
    id: 'open-4',
    name: 'path_open + fd_close, four',
    floor: ['open4', 'openat(2), close(2)'],
    path: DEEP,
    seen: 2,
    body: openAndClose(DEEP),
  },
  {
    id: 'readdir',
    name: 'fd_readdir of 1,000 by 4 KiB',
    floor: ['readdir', 'getdents64(2) by 32 KiB'],
    fd: DIRECTORY,
    seen: LIST_ENTRIES,
    body: READDIR,
  },
  {
    id: 'clock',
    name: 'clock_time_get',
    floor: ['clock', 'clock_gettime(2)'],
    seen: 1,
    body: make(
      call('clock_time_get', i32(1), i64(0), i32(RESULT)),
      `(i64.extend_i32_u (i64.ne ${load64(RESULT)} ${i64(0)}))`,
    ),
  },
  {
    id: 'random',
    name: 'random_get 16 B',
    floor: ['random', 'getrandom(2)'],
    lengths: [16],
    seen: 1,
    body: make(
      call('random_get', i32(RESULT), i32(16)),
      `(i64.extend_i32_u (i64.ne ${load64(RESULT)} ${i64(0)}))`,
    ),
  },
  {
    id: 'poll',
    name: 'poll_oneoff, a clock of 0 ns',
    floor: ['clock', 'clock_gettime(2)'],
    seen: 1,
    // The subscription is all zeros except for its clock, CLOCK_MONOTONIC.
    body: `
      (i32.store ${i32(BLOCK + 16)} ${i32(1)})
      ${make(call('poll_oneoff', i32(BLOCK), i32(RESULT), i32(1), i32(NWRITTEN)), load32(NWRITTEN))}`,
  },
];

const importOf = ([name, types]) =>
  `(import "wasi_snapshot_preview1" "${name}"
    (func $${name} (param ${types}) (result i32)))`;

const functionOf = ({ id, body }) => `
  (func (export "${id}") (param $fd i32) (param $count i32) (result i32)
    (local $errno i32) (local $errnos i32)
    (local $at i32) (local $end i32) (local $length i32) (local $cookie i64)
    (loop $again
      ${body}
      (br_if $again
        (local.tee $count (i32.sub ${local('count')} ${i32(1)}))))
    ${local('errnos')})`;

/** The guest of these calls, in the text format of WebAssembly. */
const source = () => `(module
  ${Object.entries(IMPORTS).map(importOf).join('\n  ')}
  (memory (export "memory") 320)
  (global $written (export "written") (mut i64) (i64.const 0))
  (func (export "_initialize"))
  (func (export "open") (param $path_len i32) (param $oflags i32)
    (param $rights i64) (result i32)
    ${call('path_open', i32(3), i32(0), i32(PATH), local('path_len'), local('oflags'), local('rights'), local('rights'), i32(0), i32(RESULT))})
  (func (export "opened") (result i32) (i32.load ${i32(RESULT)}))
  ${CALLS.map(functionOf).join('')})`;

/**
 * Lets the guest open the file of a call. @returns {{ errno: number, fd: number }}
 */
function openFor({ memory, open, opened }, { fd, path }) {
  const bytes = new Uint8Array(memory.buffer);
  const put = (text) => bytes.set(Buffer.from(text), PATH);
  if (fd === undefined) {
    put(path ?? '');
    return { errno: 0, fd: 3 };
  }
  put(fd.path);
  const errno = open(fd.path.length, fd.oflags, fd.rights);
  return { errno, fd: opened() };
}

module.exports = {
  CALLS,
  DATA,
  DATA_SIZE,
  DEEP,
  LIST_ENTRIES,
  openFor,
  source,
};
