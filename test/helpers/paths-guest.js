'use strict';

// The guest `calls` with strings for paths.

const { putBytes, withWASI } = require('./guest');

const PATH = 1024;
const OTHER = 6144;
const RESULT = 65536;
const PREOPEN = 3;
const ALL_RIGHTS = (1n << 30n) - 1n;
const READ_WRITE = (1n << 1n) | (1n << 6n) | (1n << 2n) | (1n << 5n);

const FOLLOW = 1;
const OFLAGS = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 };

/** Every call returns its errno; `u32()` is the result that it stored. */
function pathsGuest(options) {
  const { guest, memory, wasi } = withWASI(options);
  const at = (where, text) => [where, putBytes(memory, where, text)];
  const view = () => new DataView(memory.buffer);
  const close = (fd) => guest.fd_close(fd);
  return {
    calls: guest,
    memory,
    wasi,
    close,
    u32: (where = RESULT) => view().getUint32(where, true),
    u64: (where = RESULT) => view().getBigUint64(where, true),
    at,

    open(
      name,
      {
        dir = PREOPEN,
        flags = FOLLOW,
        oflags = 0,
        rights = READ_WRITE,
        fdflags = 0,
      } = {},
    ) {
      return guest.path_open(
        dir,
        flags,
        ...at(PATH, name),
        oflags,
        rights,
        ALL_RIGHTS,
        fdflags,
        RESULT,
      );
    },
    mkdir: (name, dir = PREOPEN) =>
      guest.path_create_directory(dir, ...at(PATH, name)),
    stat: (name, flags = FOLLOW, dir = PREOPEN) =>
      guest.path_filestat_get(dir, flags, ...at(PATH, name), RESULT),
    setTimes: (name, flags = FOLLOW, dir = PREOPEN, fstflags = 5) =>
      guest.path_filestat_set_times(
        dir,
        flags,
        ...at(PATH, name),
        10n ** 18n,
        10n ** 18n,
        fstflags,
      ),
    link: (from, to, flags = 0, dir = PREOPEN) =>
      guest.path_link(dir, flags, ...at(PATH, from), dir, ...at(OTHER, to)),
    rename: (from, to, dir = PREOPEN) =>
      guest.path_rename(dir, ...at(PATH, from), dir, ...at(OTHER, to)),
    readlink(name, { dir = PREOPEN, size = 256 } = {}) {
      const errno = guest.path_readlink(
        dir,
        ...at(PATH, name),
        OTHER,
        size,
        RESULT,
      );
      if (errno !== 0) return errno;
      const length = view().getUint32(RESULT, true);
      return Buffer.from(memory.buffer, OTHER, length).toString();
    },
    rmdir: (name, dir = PREOPEN) =>
      guest.path_remove_directory(dir, ...at(PATH, name)),
    symlink: (target, name, dir = PREOPEN) =>
      guest.path_symlink(...at(OTHER, target), dir, ...at(PATH, name)),
    unlink: (name, dir = PREOPEN) =>
      guest.path_unlink_file(dir, ...at(PATH, name)),

    write(fd, text) {
      const length = putBytes(memory, OTHER, text);
      view().setUint32(32, OTHER, true);
      view().setUint32(36, length, true);
      return guest.fd_write(fd, 32, 1, RESULT);
    },
    read(fd, length = 256) {
      view().setUint32(32, OTHER, true);
      view().setUint32(36, length, true);
      const errno = guest.fd_read(fd, 32, 1, RESULT);
      if (errno !== 0) return errno;
      return Buffer.from(
        memory.buffer,
        OTHER,
        view().getUint32(RESULT, true),
      ).toString();
    },
  };
}

module.exports = {
  ALL_RIGHTS,
  FOLLOW,
  OFLAGS,
  PREOPEN,
  READ_WRITE,
  RESULT,
  pathsGuest,
};
