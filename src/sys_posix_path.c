/* Paths, for Linux, macOS and the BSDs. */
#define _GNU_SOURCE /* O_PATH, O_DIRECTORY, syscall with glibc and musl */
#define _DARWIN_C_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys_posix.h"

/* Opening a handle needs no permission to read the directory, where the system
 * has a flag for that. macOS has O_SEARCH since 13, and we start at 11. */
#if defined(O_PATH)
#define HANDLE_FLAGS O_PATH
#elif defined(O_SEARCH) && !defined(__APPLE__)
#define HANDLE_FLAGS O_SEARCH
#else
#define HANDLE_FLAGS O_RDONLY
#endif

#ifndef O_LARGEFILE
#define O_LARGEFILE 0
#endif

/* The number is the same on all machines except those with their own tables;
 * there the headers must have it. */
#if defined(__linux__) && !defined(SYS_openat2) && !defined(__alpha__) && \
    !defined(__mips__)
#define SYS_openat2 437
#endif

static int host_flags(int flags) {
  const int access = flags & (WV_SYS_OPEN_READ | WV_SYS_OPEN_WRITE);
  int result = O_CLOEXEC;

  if (flags & WV_SYS_OPEN_DIRECTORY) result |= O_DIRECTORY;
  if (!(flags & WV_SYS_OPEN_FOLLOW)) result |= O_NOFOLLOW;
  if (flags & WV_SYS_OPEN_HANDLE) return result | HANDLE_FLAGS;

  result |= O_NOCTTY | O_NONBLOCK | O_LARGEFILE;
  result |= access == (WV_SYS_OPEN_READ | WV_SYS_OPEN_WRITE) ? O_RDWR
            : access == WV_SYS_OPEN_WRITE                    ? O_WRONLY
                                                             : O_RDONLY;
  if (flags & WV_SYS_OPEN_APPEND) result |= O_APPEND;
  if (flags & WV_SYS_OPEN_DSYNC) result |= O_DSYNC;
  if (flags & WV_SYS_OPEN_SYNC) result |= O_SYNC;
  if (flags & WV_SYS_OPEN_CREATE) result |= O_CREAT;
  if (flags & WV_SYS_OPEN_EXCLUSIVE) result |= O_EXCL;
  if (flags & WV_SYS_OPEN_TRUNCATE) result |= O_TRUNC;
  return result;
}

/* Each system's errno for a link that must not be followed. */
static int link_errno(int error, int flags) {
#ifndef __linux__
#ifdef EFTYPE
  if (error == EFTYPE) error = ELOOP; /* NetBSD */
#endif
  if (error == EMLINK) error = ELOOP; /* FreeBSD */
  if (error == ELOOP && (flags & WV_SYS_OPEN_DIRECTORY)) error = ENOTDIR;
#endif
  (void)flags;
  return error;
}

int wv_sys_open_at(int dir, const char *name, int flags) {
  const int how = host_flags(flags & ~WV_SYS_OPEN_FOLLOW);
  int fd;

  do fd = openat(dir, name, how, 0666);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) errno = link_errno(errno, flags);
  return fd;
}

#ifdef SYS_openat2

/* The layout of openat2(2): linux/openat2.h came with Linux 5.6. */
struct how {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
#define NO_MAGICLINKS 0x02
#define BENEATH 0x08

static long openat2(int dir, const char *path, const struct how *how) {
  return syscall(SYS_openat2, dir, path, how, sizeof(*how));
}

/* Tests it once: openat2 fails here with EBADF. An old kernel says ENOSYS, and
 * a filter of system calls may say anything. */
static bool has_openat2(void) {
  static _Atomic int known; /* 0 not tested yet, 1 yes, -1 no */
  const struct how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = BENEATH};

  if (known == 0) known = openat2(-1, ".", &how) < 0 && errno == EBADF ? 1 : -1;
  return known > 0;
}

int wv_sys_open_beneath(int dir, const char *path, int flags) {
  const struct how how = {
      .flags = (uint64_t)host_flags(flags),
      .mode = flags & WV_SYS_OPEN_CREATE ? 0666 : 0,
      .resolve = BENEATH | NO_MAGICLINKS,
  };
  long fd;

  if (!has_openat2()) {
    errno = ENOSYS;
    return -1;
  }
  do fd = openat2(dir, path, &how);
  while (fd < 0 && errno == EINTR);
  return (int)fd;
}

#else

int wv_sys_open_beneath(int dir, const char *path, int flags) {
  (void)dir, (void)path, (void)flags;
  errno = ENOSYS;
  return -1;
}

#endif

int wv_sys_open_null(bool write) {
  return open("/dev/null", (write ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

static int open_unnamed(void) {
#if defined(__linux__) && defined(SYS_memfd_create)
  const unsigned cloexec = 1; /* MFD_CLOEXEC: not in old headers */
  int fd = (int)syscall(SYS_memfd_create, "wasi-writev", cloexec);

  if (fd >= 0 || errno != ENOSYS) return fd;
#endif
  char name[] = "/tmp/wasi-writev-XXXXXX";
  int file = mkstemp(name);

  if (file < 0) return -1;
  unlink(name);
  fcntl(file, F_SETFD, FD_CLOEXEC);
  return file;
}

static bool fill(int fd, const uint8_t *bytes, uint64_t len) {
  const size_t most = 0x7ffff000;
  ssize_t n;

  while (len > 0) {
    n = write(fd, bytes, len < most ? (size_t)len : most);
    if (n < 0 && errno != EINTR) return false;
    if (n < 0) continue;
    bytes += n;
    len -= (uint64_t)n;
  }
  return lseek(fd, 0, SEEK_SET) == 0;
}

int wv_sys_open_bytes(const uint8_t *bytes, uint64_t len) {
  int fd = open_unnamed();
  int error;

  if (fd < 0 || fill(fd, bytes, len)) return fd;
  error = errno;
  close(fd);
  errno = error;
  return -1;
}

int wv_sys_open_directory(const char *path) {
  int fd;

  do fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  return fd;
}

ssize_t wv_sys_readlink_at(int dir, const char *name, char *buf, size_t len) {
  return readlinkat(dir, name, buf, len);
}

int wv_sys_mkdir_at(int dir, const char *name) {
  return mkdirat(dir, name, 0777);
}

int wv_sys_rmdir_at(int dir, const char *name) {
  return unlinkat(dir, name, AT_REMOVEDIR);
}

int wv_sys_unlink_at(int dir, const char *name) {
  int result = unlinkat(dir, name, 0);

#ifndef __linux__
  /* POSIX allows EPERM for a directory; on Linux it is EISDIR. */
  wv_sys_stat stat;

  if (result < 0 && errno == EPERM) {
    if (wv_sys_stat_at(dir, name, &stat) == 0 &&
        stat.filetype == WV_FILETYPE_DIRECTORY)
      errno = EISDIR;
    else
      errno = EPERM;
  }
#endif
  return result;
}

int wv_sys_rename_at(int from_dir, const char *from, int to_dir,
                     const char *to) {
  return renameat(from_dir, from, to_dir, to);
}

int wv_sys_link_at(int from_dir, const char *from, int to_dir, const char *to) {
  return linkat(from_dir, from, to_dir, to, 0);
}

int wv_sys_symlink_at(const char *target, int dir, const char *name) {
  return symlinkat(target, dir, name);
}

int wv_sys_set_times_at(int dir, const char *name, uint64_t atim,
                        uint64_t mtim) {
  struct timespec times[2];

  if (wv_sys_timespecs(atim, mtim, times) < 0) return -1;
  return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}
