'use strict';

// Numbers that more than one module needs: those of WASI preview1 (source:
// wasi_snapshot_preview1.witx), and those that the C core shares with lib/.

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

/** `ERRNO.BADF === 8`, and so on. */
const ERRNO = Object.freeze(
  Object.fromEntries(ERRNO_NAMES.map((name, number) => [name, number])),
);

/** Bits of `rights`. */
const RIGHTS = Object.freeze({
  FD_SEEK: 1n << 2n,
  FD_FDSTAT_SET_FLAGS: 1n << 3n,
  FD_WRITE: 1n << 6n,
});

/** Bits of `fdflags`. */
const FDFLAGS = Object.freeze({ APPEND: 1, NONBLOCK: 4 });

/** Bytes of a `ciovec` or `iovec`: pointer and length, a u32 each. */
const CIOVEC_SIZE = 8;

/** Flags of an entry in an engine's table: WV_FD_* in src/fd_table.h. */
const ENTRY = Object.freeze({
  MAY_WRITE: 1,
  MAY_SEEK: 2,
  NONBLOCK: 4,
  APPEND: 8,
  READ_ONLY: 32,
});

/** Guest fds are below this: WV_GUEST_FD_LIMIT in src/fd_table.h. */
const GUEST_FD_LIMIT = 2 ** 20;

/**
 * Whether wasm passed i32s: a guest can declare an import with other types, and
 * gets INVAL for that.
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
  CIOVEC_SIZE,
  ENTRY,
  ERRNO,
  ERRNO_NAMES,
  FDFLAGS,
  GUEST_FD_LIMIT,
  RIGHTS,
  areNumbers,
};
