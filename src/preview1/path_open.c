/* path_open. */
#include <errno.h>

#include "../calls.h"
#include "path.h"

/* The kernel breaks a lease within /proc/sys/fs/lease-break-time, by default 45
 * seconds. This many tries, 20 ms apart, take longer. */
#define LEASE_TRIES 5000

/* The access mode that the rights ask for, as with node:wasi and wasi-libc. */
static int access_of(uint64_t rights) {
  const uint64_t read = WV_RIGHTS_FD_READ | WV_RIGHTS_FD_READDIR;
  const uint64_t write = WV_RIGHTS_FD_WRITE | WV_RIGHTS_FD_DATASYNC |
                         WV_RIGHTS_FD_ALLOCATE | WV_RIGHTS_FD_FILESTAT_SET_SIZE;

  if (!(rights & write)) return WV_SYS_OPEN_READ;
  return rights & read ? WV_SYS_OPEN_READ | WV_SYS_OPEN_WRITE
                       : WV_SYS_OPEN_WRITE;
}

static int open_flags(uint32_t lookupflags, uint32_t oflags, uint32_t fdflags) {
  int flags = 0;

  if (lookupflags & WV_LOOKUP_SYMLINK_FOLLOW) flags |= WV_SYS_OPEN_FOLLOW;
  if (oflags & WV_OFLAGS_CREAT) {
    flags |= WV_SYS_OPEN_CREATE;
    /* EXCL without CREAT has no meaning. */
    if (oflags & WV_OFLAGS_EXCL) flags |= WV_SYS_OPEN_EXCLUSIVE;
  }
  if (oflags & WV_OFLAGS_TRUNC) flags |= WV_SYS_OPEN_TRUNCATE;
  if (oflags & WV_OFLAGS_DIRECTORY) flags |= WV_SYS_OPEN_DIRECTORY;
  if (fdflags & WV_FDFLAGS_APPEND) flags |= WV_SYS_OPEN_APPEND;
  if (fdflags & WV_FDFLAGS_DSYNC) flags |= WV_SYS_OPEN_DSYNC;
  if (fdflags & (WV_FDFLAGS_SYNC | WV_FDFLAGS_RSYNC)) flags |= WV_SYS_OPEN_SYNC;
  return flags;
}

/* Has the open failed only because we add O_NONBLOCK? ENXIO also stands for a
 * socket, or a device that does not exist. */
static bool would_wait(wv_guest *guest, const wv_fd *dir, const wv_path *path,
                       int flags, wv_errno error, uint32_t tries) {
  wv_sys_stat stat;

  if (error == WV_EAGAIN) return tries < LEASE_TRIES;
  return error == WV_ENXIO &&
         wv_stat_beneath(guest, dir, path, flags & WV_SYS_OPEN_FOLLOW, &stat) ==
             WV_SUCCESS &&
         stat.is_pipe;
}

/* Unless the guest set NONBLOCK, waits as a blocking open would, for the reader
 * of a FIFO or the end of a lease. The open itself never blocks, even if a FIFO
 * takes the name at that moment. */
static wv_errno open_and_wait(wv_guest *guest, const wv_fd *dir,
                              const wv_path *path, int flags, bool nonblock,
                              int *host_fd) {
  wv_wait *wait = wv_guest_wait(guest, guest->wait_timeout);
  wv_errno error;
  wv_errno wait_error;

  for (;;) {
    error = wv_open_beneath(guest, dir, path, flags, host_fd);
    if (error == WV_SUCCESS || nonblock ||
        !would_wait(guest, dir, path, flags, error, wait->attempts))
      return error;
    wait_error = wv_wait_open(wait);
    if (wait_error != WV_SUCCESS) return wait_error;
  }
}

static wv_errno check_values(uint32_t lookupflags, uint32_t oflags,
                             uint32_t fdflags) {
  const uint32_t both = WV_OFLAGS_CREAT | WV_OFLAGS_DIRECTORY;

  if (lookupflags & ~(uint32_t)WV_LOOKUP_SYMLINK_FOLLOW) return WV_EINVAL;
  if (oflags & ~(uint32_t)WV_OFLAGS_ALL) return WV_EINVAL;
  if (fdflags & ~(uint32_t)WV_FDFLAGS_ALL) return WV_EINVAL;
  /* Linux before 6.4 creates a file, then fails with ENOTDIR. */
  return (oflags & both) == both ? WV_EINVAL : WV_SUCCESS;
}

/* A file's kind is determined by the first call that needs it. */
static wv_fd new_entry(int host_fd, int flags, bool is_directory) {
  wv_fd entry = {.host_fd = host_fd, .flags = WV_FD_OWNED};

  if (flags & WV_SYS_OPEN_READ) entry.flags |= WV_FD_READABLE;
  if (flags & WV_SYS_OPEN_WRITE) entry.flags |= WV_FD_WRITABLE;
  if (is_directory) {
    entry.kind = WV_KIND_DIRECTORY;
    entry.filetype = WV_FILETYPE_DIRECTORY;
  }
  return entry;
}

wv_errno wv_path_open(wv_guest *guest, uint32_t fd, uint32_t lookupflags,
                      uint32_t at, uint32_t len, uint32_t oflags,
                      uint64_t rights, uint64_t inheriting, uint32_t fdflags,
                      uint32_t result) {
  const uint64_t inherited = rights & (WV_RIGHTS_FD_READ | WV_RIGHTS_FD_WRITE);
  const bool nonblock = fdflags & WV_FDFLAGS_NONBLOCK;
  const int flags =
      open_flags(lookupflags, oflags, fdflags) | access_of(rights);
  wv_fd *dir;
  wv_fd entry;
  wv_path path;
  uint32_t opened;
  int host_fd;
  wv_errno error = wv_path_directory(
      guest, fd,
      oflags & WV_OFLAGS_TRUNC ? WV_RIGHTS_PATH_FILESTAT_SET_SIZE : 0, &dir);

  if (error != WV_SUCCESS) return error;
  if (inherited & ~dir->inheriting) return WV_ENOTCAPABLE;
  if (!wv_in_bounds(&guest->memory, at, len) ||
      !wv_in_bounds(&guest->memory, result, sizeof(uint32_t)))
    return WV_EFAULT;
  error = check_values(lookupflags, oflags, fdflags);
  if (error == WV_SUCCESS) error = wv_load_path(&guest->memory, at, len, &path);
  if (error != WV_SUCCESS) return error;
  if (!wv_fd_has_room(guest->fds)) return WV_EMFILE;

  error = open_and_wait(guest, dir, &path, flags, nonblock, &host_fd);
  if (error != WV_SUCCESS) return error;
  entry = new_entry(host_fd, flags,
                    path.slash || (flags & WV_SYS_OPEN_DIRECTORY) != 0);
  entry.fdflags = (uint16_t)fdflags;
  entry.rights = rights;
  entry.inheriting = inheriting & dir->inheriting;
  error = wv_guest_insert(guest, &entry, &opened);
  if (error == WV_SUCCESS)
    wv_store_u32(guest->memory.base + result, opened);
  else
    wv_sys_close(host_fd);
  return error;
}
