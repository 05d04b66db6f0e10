'use strict';

// WASI preview1: its calls, and the numbers that several modules need. Source:
// wasi_snapshot_preview1.witx.

/**
 * The calls by name, with the types of their parameters: `i` for i32, `I` for i64.
 * scripts/build-calls.js makes src/calls.h of them.
 */
const CALLS = Object.freeze({
  args_get: 'ii',
  args_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'iIi',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  fd_advise: 'iIIi',
  fd_allocate: 'iII',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'iII',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'iI',
  fd_filestat_set_times: 'iIIi',
  fd_pread: 'iiiIi',
  fd_prestat_dir_name: 'iii',
  fd_prestat_get: 'ii',
  fd_pwrite: 'iiiIi',
  fd_read: 'iiii',
  fd_readdir: 'iiiIi',
  fd_renumber: 'ii',
  fd_seek: 'iIii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiiIIi',
  path_link: 'iiiiiii',
  path_open: 'iiiiiIIii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
});

// These calls neither see buffered bytes nor wait for them.
const QUIET_CALLS = [
  'args_get',
  'args_sizes_get',
  'clock_res_get',
  'clock_time_get',
  'environ_get',
  'environ_sizes_get',
  'random_get',
  'sched_yield',
];

// These calls flush by themselves.
const FLUSHING_CALLS = ['fd_close', 'fd_pwrite', 'fd_write', 'proc_exit'];

/**
 * Which buffered bytes are flushed before a call: 'none' or 'all'. 'fd' is 'all',
 * but an errno of the call's own fd is the result of the call; 'both' is the same
 * for two fds.
 *
 * @param {string} name
 */
function flushOf(name) {
  if (QUIET_CALLS.includes(name) || FLUSHING_CALLS.includes(name))
    return 'none';
  if (name === 'fd_renumber') return 'both';
  return /^(fd|sock)_/.test(name) ? 'fd' : 'all';
}

/** Every errno of preview1: the index is the number. */
const ERRNO_NAMES = [
  'SUCCESS',
  '2BIG',
  'ACCES',
  'ADDRINUSE',
  'ADDRNOTAVAIL',
  'AFNOSUPPORT',
  'AGAIN',
  'ALREADY',
  'BADF',
  'BADMSG',
  'BUSY',
  'CANCELED',
  'CHILD',
  'CONNABORTED',
  'CONNREFUSED',
  'CONNRESET',
  'DEADLK',
  'DESTADDRREQ',
  'DOM',
  'DQUOT',
  'EXIST',
  'FAULT',
  'FBIG',
  'HOSTUNREACH',
  'IDRM',
  'ILSEQ',
  'INPROGRESS',
  'INTR',
  'INVAL',
  'IO',
  'ISCONN',
  'ISDIR',
  'LOOP',
  'MFILE',
  'MLINK',
  'MSGSIZE',
  'MULTIHOP',
  'NAMETOOLONG',
  'NETDOWN',
  'NETRESET',
  'NETUNREACH',
  'NFILE',
  'NOBUFS',
  'NODEV',
  'NOENT',
  'NOEXEC',
  'NOLCK',
  'NOLINK',
  'NOMEM',
  'NOMSG',
  'NOPROTOOPT',
  'NOSPC',
  'NOSYS',
  'NOTCONN',
  'NOTDIR',
  'NOTEMPTY',
  'NOTRECOVERABLE',
  'NOTSOCK',
  'NOTSUP',
  'NOTTY',
  'NXIO',
  'OVERFLOW',
  'OWNERDEAD',
  'PERM',
  'PIPE',
  'PROTO',
  'PROTONOSUPPORT',
  'PROTOTYPE',
  'RANGE',
  'ROFS',
  'SPIPE',
  'SRCH',
  'STALE',
  'TIMEDOUT',
  'TXTBSY',
  'XDEV',
  'NOTCAPABLE',
];

const ERRNO = Object.freeze(
  Object.fromEntries(ERRNO_NAMES.map((name, number) => [name, number])),
);

const RIGHTS = Object.freeze({
  FD_DATASYNC: 1n << 0n,
  FD_SEEK: 1n << 2n,
  FD_WRITE: 1n << 6n,
  FD_ALLOCATE: 1n << 8n,
  FD_FILESTAT_SET_SIZE: 1n << 22n,
});

const FDFLAGS = Object.freeze({ APPEND: 1, NONBLOCK: 4 });

/** Bytes of an `iovec` or `ciovec`: pointer and length, a u32 each. */
const IOVEC_SIZE = 8;

/** Guest fds are below this: WV_GUEST_FD_LIMIT in src/fd_table.h. */
const GUEST_FD_LIMIT = 2 ** 20;

/**
 * Whether wasm passed i32 values: a guest can declare an import with other types.
 */
function areNumbers(fd, iovs, iovsLen, nwritten) {
  return (
    typeof fd === 'number' &&
    typeof iovs === 'number' &&
    typeof iovsLen === 'number' &&
    typeof nwritten === 'number'
  );
}

module.exports = {
  CALLS,
  ERRNO,
  ERRNO_NAMES,
  FDFLAGS,
  GUEST_FD_LIMIT,
  IOVEC_SIZE,
  RIGHTS,
  areNumbers,
  flushOf,
};
