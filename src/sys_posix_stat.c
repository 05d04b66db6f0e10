/* What a file is, for Linux, macOS and the BSDs.
 *
 * Linux is asked by number: glibc exports `fstat` since 2.33 and `statx` since
 * 2.28 only. */
#define _GNU_SOURCE /* syscall, statx, AT_EMPTY_PATH with glibc and musl */
#define _DARWIN_C_SOURCE

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys_posix.h"

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* Is the kernel's struct stat that of glibc and musl? statx(2) takes an eighth
 * longer. */
#if defined(__linux__) && defined(__LP64__) && \
    (defined(__x86_64__) || defined(__aarch64__))
#define KERNEL_STAT 1
#else
#define KERNEL_STAT 0
#endif

static wv_filetype filetype_of(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return WV_FILETYPE_REGULAR_FILE;
    case S_IFDIR:
      return WV_FILETYPE_DIRECTORY;
    case S_IFLNK:
      return WV_FILETYPE_SYMBOLIC_LINK;
    case S_IFCHR:
      return WV_FILETYPE_CHARACTER_DEVICE;
    case S_IFBLK:
      return WV_FILETYPE_BLOCK_DEVICE;
    case S_IFIFO:
    case S_IFSOCK:
      return WV_FILETYPE_SOCKET_STREAM;
    default:
      return WV_FILETYPE_UNKNOWN;
  }
}

static uint64_t nanoseconds(int64_t seconds, int64_t rest) {
  return (uint64_t)seconds * 1000000000 + (uint64_t)rest;
}

/* Both forms of stat_of: of `fd` itself if `name` is NULL, else of that file in
 * the directory `fd`, whose links are not followed. */

#if defined(__linux__) && defined(STATX_BASIC_STATS) && !KERNEL_STAT

/* The device's number as the kernel makes it for stat(2). */
static uint64_t device(uint32_t major, uint32_t minor) {
  return (minor & 0xff) | (uint64_t)major << 8 | (uint64_t)(minor >> 8) << 20;
}

static uint64_t time_of(struct statx_timestamp time) {
  return nanoseconds(time.tv_sec, time.tv_nsec);
}

static int stat_of(int fd, const char *name, wv_sys_stat *stat) {
  const int flags = name == NULL ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  struct statx st;

  if (name == NULL) name = "";
  if (syscall(SYS_statx, fd, name, flags, STATX_BASIC_STATS, &st) < 0)
    return -1;
  *stat = (wv_sys_stat){
      .dev = device(st.stx_dev_major, st.stx_dev_minor),
      .ino = st.stx_ino,
      .nlink = st.stx_nlink,
      .size = st.stx_size,
      .atim = time_of(st.stx_atime),
      .mtim = time_of(st.stx_mtime),
      .ctim = time_of(st.stx_ctime),
      .filetype = filetype_of(st.stx_mode),
      .is_pipe = S_ISFIFO(st.stx_mode),
  };
  return 0;
}

#else

static int read_stat(int fd, const char *name, struct stat *st) {
#if KERNEL_STAT
  if (name == NULL) return (int)syscall(SYS_fstat, fd, st);
  return (int)syscall(SYS_newfstatat, fd, name, st, AT_SYMLINK_NOFOLLOW);
#else
  if (name == NULL) return fstat(fd, st);
  return fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW);
#endif
}

static uint64_t time_of(struct timespec time) {
  return nanoseconds(time.tv_sec, time.tv_nsec);
}

static int stat_of(int fd, const char *name, wv_sys_stat *stat) {
  struct stat st;

  if (read_stat(fd, name, &st) < 0) return -1;
  *stat = (wv_sys_stat){
      .dev = (uint64_t)st.st_dev,
      .ino = (uint64_t)st.st_ino,
      .nlink = (uint64_t)st.st_nlink,
      .size = (uint64_t)st.st_size,
#ifdef __APPLE__
      .atim = time_of(st.st_atimespec),
      .mtim = time_of(st.st_mtimespec),
      .ctim = time_of(st.st_ctimespec),
#else
      .atim = time_of(st.st_atim),
      .mtim = time_of(st.st_mtim),
      .ctim = time_of(st.st_ctim),
#endif
      .filetype = filetype_of(st.st_mode),
      .is_pipe = S_ISFIFO(st.st_mode),
  };
  return 0;
}

#endif

static bool is_datagram(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);

  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         type == SOCK_DGRAM;
}

int wv_sys_fstat(int fd, wv_sys_stat *stat) {
  if (stat_of(fd, NULL, stat) < 0) return -1;
  if (stat->filetype == WV_FILETYPE_SOCKET_STREAM && !stat->is_pipe &&
      is_datagram(fd))
    stat->filetype = WV_FILETYPE_SOCKET_DGRAM;
  return 0;
}

int wv_sys_stat_at(int dir, const char *name, wv_sys_stat *stat) {
  return stat_of(dir, name, stat);
}

size_t wv_sys_sure_room(int fd) {
  wv_sys_stat stat;

  if (stat_of(fd, NULL, &stat) == 0 && stat.is_pipe) return PIPE_BUF;
  /* A writable terminal may have room for one byte only. */
  return isatty(fd) ? 1 : SIZE_MAX;
}
