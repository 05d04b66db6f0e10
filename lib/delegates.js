'use strict';

// The calls that stay with Node's own WASI, each behind a plain JS closure.
//
// The closure keeps a call out of V8's fast path, in which Node 20 and 22 crash
// (nodejs/node#46777, #53087). On that detour a number that wasm passes as
// negative would be refused, so numbers are made unsigned; and where Node
// multiplies a guest's count in 32 bits, the list is checked before. Where Node
// would end the process all the same, the call is not made: see the functions
// below, lib/delegated-paths.js and lib/delegated-polls.js.

const { guardPaths } = require('./delegated-paths');
const { guardPoll } = require('./delegated-polls');
const { CIOVEC_SIZE, ERRNO } = require('./preview1');

// Node turns a whole list into an array of its own. More elements than this are
// cut off, which makes a short count, as IOV_MAX does in readv(2).
const LIST_MAX = 1024;

/** A number as u32; a BigInt as it is. */
const u = (value) => (typeof value === 'number' ? value >>> 0 : value);

// The parameters of each function of preview1: `i` for i32, `I` for i64. Node
// wants exactly as many.
const SIGNATURES = {
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
};

/** A closure of exactly the parameters that `target` has. */
function closure(target, parameters) {
  switch (parameters) {
    case 0:
      return () => target();
    case 1:
      return (a) => target(u(a));
    case 2:
      return (a, b) => target(u(a), u(b));
    case 3:
      return (a, b, c) => target(u(a), u(b), u(c));
    case 4:
      return (a, b, c, d) => target(u(a), u(b), u(c), u(d));
    case 5:
      return (a, b, c, d, e) => target(u(a), u(b), u(c), u(d), u(e));
    case 9: // path_open
      return (a, b, c, d, e, f, g, h, i) =>
        target(u(a), u(b), u(c), u(d), u(e), u(f), u(g), u(h), u(i));
    default:
      return (...values) => target(...values.map(u));
  }
}

/**
 * @param {object} target the import functions of Node's WASI, bound
 * @param {import('./memory').GuestMemory} memory
 * @param {import('./scratch').Scratch} scratch
 * @returns {object} a closure for each of them
 */
function createDelegates(target, memory, scratch) {
  const delegates = {};
  for (const name of Object.keys(target)) {
    if (typeof target[name] === 'function') {
      delegates[name] = closure(target[name], SIGNATURES[name]?.length);
    }
  }

  // A shutdown of neither direction says whether an fd is open, and no more.
  const probe = (fd) => target.sock_shutdown(u(fd), 0);
  const isOpen = (fd) => probe(fd) !== ERRNO.BADF;

  // No guest fd is a socket for Node: it opens none, and a stdio that is one, or
  // a pipe, lacks what its calls take for granted.
  const noSocket = (fd) => probe(fd) || ERRNO.NOTSOCK;

  const isOutside = (element) =>
    memory.u32(element + 4) === 0 && !memory.has(memory.u32(element), 1);

  // Puts the list that Node shall see in `list`. Node refuses an empty element
  // that points out of bounds: the list is cut before it. Those in front are
  // skipped, so that a cut never leaves nothing but empty ones.
  const list = { at: 0, length: 0 };
  function checkList(at, length) {
    at = u(at);
    length = u(length);
    if (!memory.has(at, length * CIOVEC_SIZE)) return false;
    while (length > 1 && memory.u32(at + 4) === 0) {
      at += CIOVEC_SIZE;
      length--;
    }
    list.at = at;
    list.length = Math.min(length, LIST_MAX);
    for (let i = 1; i < list.length; i++) {
      if (isOutside(at + i * CIOVEC_SIZE)) list.length = i;
    }
    return true;
  }

  return Object.assign(delegates, {
    fd_read: (fd, iovs, iovsLen, nread) =>
      checkList(iovs, iovsLen)
        ? target.fd_read(u(fd), list.at, list.length, u(nread))
        : ERRNO.FAULT,

    fd_pread: (fd, iovs, iovsLen, offset, nread) =>
      checkList(iovs, iovsLen)
        ? target.fd_pread(u(fd), list.at, list.length, offset, u(nread))
        : ERRNO.FAULT,

    sock_recv: (fd, data, dataLen) =>
      checkList(data, dataLen) ? noSocket(fd) : ERRNO.FAULT,

    sock_send: (fd, data, dataLen) =>
      checkList(data, dataLen) ? noSocket(fd) : ERRNO.FAULT,

    sock_accept: noSocket,
    sock_shutdown: noSocket,

    // The check of buffers comes before: see lib/guest-files.js.
    fd_write: (fd, iovs, iovsLen, nwritten) =>
      checkList(iovs, iovsLen)
        ? target.fd_write(u(fd), list.at, list.length, u(nwritten))
        : ERRNO.FAULT,

    fd_pwrite: (fd, iovs, iovsLen, offset, nwritten) =>
      checkList(iovs, iovsLen)
        ? target.fd_pwrite(u(fd), list.at, list.length, offset, u(nwritten))
        : ERRNO.FAULT,

    poll_oneoff: guardPoll(delegates.poll_oneoff, memory, isOpen),

    ...guardPaths({ ...delegates }, memory, scratch),
  });
}

function hasTypes(values, signature) {
  for (let i = 0; i < signature.length; i++) {
    const type = signature[i] === 'i' ? 'number' : 'bigint';
    if (typeof values[i] !== type) return false;
  }
  return true;
}

/**
 * @param {object} imports functions of preview1
 * @returns {object} the same, but INVAL for a guest that declares an import with
 *   other types
 */
function checkTypes(imports) {
  const checked = { ...imports };
  for (const [name, signature] of Object.entries(SIGNATURES)) {
    const call = imports[name];
    if (call === undefined) continue;
    checked[name] = (...values) =>
      hasTypes(values, signature) ? call(...values) : ERRNO.INVAL;
  }
  return checked;
}

module.exports = { checkTypes, createDelegates };
