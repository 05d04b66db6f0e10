'use strict';

// The fd_* calls on a target, which behaves like the write end of a pipe.

const { ERRNO } = require('../preview1');

// The same as for a pipe in src/preview1/fd.c: FD_READ, FD_FDSTAT_SET_FLAGS,
// FD_WRITE, FD_FILESTAT_GET, POLL_FD_READWRITE.
const RIGHTS_OF_STREAM =
  (1n << 1n) | (1n << 3n) | (1n << 6n) | (1n << 21n) | (1n << 27n);

const FILETYPE_SOCKET_STREAM = 6;

const FDSTAT_SIZE = 24;
const FDSTAT_FLAGS = 2;
const FDSTAT_RIGHTS = 8;

const FILESTAT_SIZE = 64;
const FILESTAT_FILETYPE = 16;
const FILESTAT_NLINK = 24;

const answer = (errno) => () => errno;

/**
 * @param {import('../memory').GuestMemory} memory
 * @returns {object} functions by the name of the call; each takes the entry instead
 *   of the fd
 */
function createTargetCalls(memory) {
  // Clears the room for a result. Undefined: out of bounds.
  function clear(pointer, size) {
    if (!memory.has(pointer, size)) return undefined;
    return memory.view.fill(0, pointer, pointer + size);
  }

  return {
    fd_advise: answer(ERRNO.SPIPE),
    fd_allocate: answer(ERRNO.SPIPE),
    fd_pread: answer(ERRNO.SPIPE),
    fd_pwrite: answer(ERRNO.SPIPE),
    fd_seek: answer(ERRNO.SPIPE),
    fd_tell: answer(ERRNO.SPIPE),
    fd_datasync: answer(ERRNO.SUCCESS),
    fd_sync: answer(ERRNO.SUCCESS),
    fd_read: answer(ERRNO.BADF),
    fd_prestat_get: answer(ERRNO.BADF),
    fd_prestat_dir_name: answer(ERRNO.BADF),
    fd_readdir: answer(ERRNO.NOTDIR),
    fd_filestat_set_size: answer(ERRNO.INVAL),
    fd_filestat_set_times: answer(ERRNO.SUCCESS),

    fd_fdstat_get({ fdflags, rights }, pointer) {
      const view = clear(pointer, FDSTAT_SIZE);
      if (view === undefined) return ERRNO.FAULT;
      view[pointer] = FILETYPE_SOCKET_STREAM;
      memory.setU16(pointer + FDSTAT_FLAGS, fdflags);
      memory.setU64(pointer + FDSTAT_RIGHTS, rights & RIGHTS_OF_STREAM);
      return ERRNO.SUCCESS;
    },

    fd_fdstat_set_rights(entry, rights) {
      if ((rights & ~entry.rights) !== 0n) return ERRNO.NOTCAPABLE;
      entry.rights = rights;
      return ERRNO.SUCCESS;
    },

    fd_filestat_get(entry, pointer) {
      const view = clear(pointer, FILESTAT_SIZE);
      if (view === undefined) return ERRNO.FAULT;
      view[pointer + FILESTAT_FILETYPE] = FILETYPE_SOCKET_STREAM;
      view[pointer + FILESTAT_NLINK] = 1;
      return ERRNO.SUCCESS;
    },
  };
}

module.exports = { createTargetCalls };
