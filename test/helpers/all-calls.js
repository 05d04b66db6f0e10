'use strict';

// Every call of WASI preview1 except proc_exit, with valid arguments.

const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { withWASI } = require('./guest');
const { Places } = require('./places');
const { OFLAGS, PREOPEN, RIGHTS, Session, WHENCE } = require('./session');

const ARGS = ['guest', 'argument'];
const ENV = { NAME: 'value' };
const ARGS_SIZE = ARGS.join(' ').length + 1;
const ENV_SIZE = 'NAME=value '.length;
const DIRECTORY_NAME = '/';

const FILE = 4;
const DIRECTORY = 5;
const CLOSED = 6;
const RENUMBERED = 7;
const REPLACED = 8;
const FD_LIMIT = 16;

const FD_READDIR = 1n << 14n; // of rights
const REALTIME = 0;
const ATIM_AND_MTIM = 1 | 4; // fstflags
const SHUT_WR = 2;
const SUBSCRIPTION = Buffer.alloc(48); // a clock, due at once

// Ranges of filestat that vary: the inode; atim, mtim and ctim.
const STAT = [64, [8, 16], [40, 48], [48, 56], [56, 64]];

/**
 * The arguments of each call; places stand for pointers. The order matters: some
 * calls change the results of later ones.
 */
const CALLS = {
  args_get: (p) => [p.roomForPointers(ARGS.length), p.room(ARGS_SIZE)],
  args_sizes_get: (p) => [p.room(4), p.room(4)],
  clock_res_get: (p) => [REALTIME, p.room(8)],
  clock_time_get: (p) => [REALTIME, 0n, p.room(8, [0, 8])],
  environ_get: (p) => [p.roomForPointers(1), p.room(ENV_SIZE)],
  environ_sizes_get: (p) => [p.room(4), p.room(4)],
  fd_advise: () => [FILE, 0n, 0n, 0],
  fd_allocate: () => [FILE, 0n, 10n],
  fd_close: () => [CLOSED],
  fd_datasync: () => [FILE],
  fd_fdstat_get: (p) => [FILE, p.room(24)],
  fd_fdstat_set_flags: () => [FILE, 0],
  fd_fdstat_set_rights: () => [FILE, RIGHTS.FILE, 0n],
  fd_filestat_get: (p) => [FILE, p.room(...STAT)],
  fd_filestat_set_size: () => [FILE, 10n],
  fd_filestat_set_times: () => [FILE, 0n, 0n, ATIM_AND_MTIM],
  fd_pread: (p) => [FILE, ...p.list(p.room(3), p.room(5)), 1n, p.room(4)],
  fd_prestat_get: (p) => [PREOPEN, p.room(8)],
  fd_prestat_dir_name: (p) => [
    PREOPEN,
    p.room(DIRECTORY_NAME.length),
    DIRECTORY_NAME.length,
  ],
  fd_pwrite: (p) => [
    FILE,
    ...p.list(p.bytes('one'), p.bytes('two')),
    2n,
    p.room(4),
  ],
  fd_read: (p) => [FILE, ...p.list(p.room(3), p.room(5)), p.room(4)],
  fd_readdir: (p) => [DIRECTORY, p.room(64, [0, 64]), 64, 0n, p.room(4)],
  fd_renumber: () => [RENUMBERED, REPLACED],
  fd_seek: (p) => [FILE, 2n, WHENCE.SET, p.room(8)],
  fd_sync: () => [FILE],
  fd_tell: (p) => [FILE, p.room(8)],
  fd_write: (p) => [FILE, ...p.list(p.bytes('three'), p.bytes('4')), p.room(4)],
  path_create_directory: (p) => [PREOPEN, ...p.path('created')],
  path_filestat_get: (p) => [PREOPEN, 0, ...p.path('file'), p.room(...STAT)],
  path_filestat_set_times: (p) => [
    PREOPEN,
    0,
    ...p.path('file'),
    0n,
    0n,
    ATIM_AND_MTIM,
  ],
  path_link: (p) => [
    PREOPEN,
    0,
    ...p.path('file'),
    PREOPEN,
    ...p.path('linked'),
  ],
  path_open: (p) => [
    PREOPEN,
    0,
    ...p.path('opened'),
    OFLAGS.CREAT,
    RIGHTS.FILE,
    0n,
    0,
    p.room(4),
  ],
  path_readlink: (p) => [
    PREOPEN,
    ...p.path('symlink'),
    p.room(16),
    16,
    p.room(4),
  ],
  path_remove_directory: (p) => [PREOPEN, ...p.path('removed')],
  path_rename: (p) => [
    PREOPEN,
    ...p.path('to rename'),
    PREOPEN,
    ...p.path('renamed'),
  ],
  path_symlink: (p) => [...p.path('file'), PREOPEN, ...p.path('symlinked')],
  path_unlink_file: (p) => [PREOPEN, ...p.path('unlinked')],
  poll_oneoff: (p) => [
    { ...p.bytes(SUBSCRIPTION), isList: true },
    { ...p.room(32), isList: true },
    1,
    p.room(4),
  ],
  proc_raise: () => [0],
  random_get: (p) => [p.room(16, [0, 16]), 16],
  sched_yield: () => [],
  sock_accept: (p) => [PREOPEN, 0, p.room(4)],
  sock_recv: (p) => [PREOPEN, ...p.list(p.room(4)), 0, p.room(4), p.room(2)],
  sock_send: (p) => [PREOPEN, ...p.list(p.bytes('five')), 0, p.room(4)],
  sock_shutdown: () => [PREOPEN, SHUT_WR],
};

/** The errnos of the calls that fail, since nothing there is a socket. */
const ERRNOS = {
  proc_raise: ERRNO.NOTSUP,
  sock_accept: ERRNO.NOTSOCK,
  sock_recv: ERRNO.NOTSOCK,
  sock_send: ERRNO.NOTSOCK,
  sock_shutdown: ERRNO.NOTSOCK,
};

/** Creates the files that CALLS name in a directory. */
function makeFiles(directory) {
  const file = (text) => `${directory}/${text}`;
  fs.mkdirSync(file('directory/entry'), { recursive: true });
  fs.mkdirSync(file('removed'));
  fs.symlinkSync('file', file('symlink'));
  for (const text of ['file', 'to rename', 'unlinked']) {
    fs.writeFileSync(file(text), '0123456789');
  }
}

/** A guest whose directory has all files that CALLS name. */
function startGuest(directory, name) {
  makeFiles(directory);
  const guest = withWASI(
    { args: ARGS, env: ENV, preopens: { [DIRECTORY_NAME]: directory } },
    name,
  );
  const session = new Session(guest);
  session.open('file');
  session.open('directory', { oflags: OFLAGS.DIRECTORY, rights: FD_READDIR });
  for (let fd = CLOSED; fd <= REPLACED; fd++) session.open('file');
  return guest;
}

/**
 * Closes all that a guest has open, except its standard streams, which are the
 * host's.
 */
function closeAll({ wasi }) {
  wasi.close();
  for (let fd = PREOPEN; fd < FD_LIMIT; fd++) wasi.wasiImport.fd_close(fd);
}

/** Makes a call as wasm does: numbers are i32, strings stand for i64. */
function makeCall({ guest, wasi }, name, values) {
  const call = guest[name] ?? wasi.wasiImport[name];
  return call(
    ...values.map((value) =>
      typeof value === 'number' ? value | 0 : BigInt(value),
    ),
  );
}

/** The places of a call, and its arguments. */
function prepare(name) {
  const places = new Places();
  const values = CALLS[name](places);
  return { places, values };
}

module.exports = {
  CALLS,
  ERRNOS,
  closeAll,
  makeCall,
  makeFiles,
  prepare,
  startGuest,
};
