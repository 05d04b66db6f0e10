/* Files, directories and paths. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libsystem.h"

/* --- Descriptors --- */

#define DARWIN_O_CREAT 0x200
#define DARWIN_O_DIRECTORY 0x100000

static const mach_o_flag open_flags[] = {
    {0x1, O_WRONLY},
    {0x2, O_RDWR},
    {0x4, O_NONBLOCK},
    {0x8, O_APPEND},
    {0x80, O_SYNC},
    {0x100, O_NOFOLLOW},
    {DARWIN_O_CREAT, O_CREAT},
    {0x400, O_TRUNC},
    {0x800, O_EXCL},
    {0x20000, O_NOCTTY},
    {DARWIN_O_DIRECTORY, O_DIRECTORY},
    {0x400000, O_DSYNC},
    {0x1000000, O_CLOEXEC},
};

static int darwin_openat(int dir, const char *path, int flags,
                         MACH_O_FIVE_REGISTERS long mode) {
  if ((flags & DARWIN_O_CREAT) && (flags & DARWIN_O_DIRECTORY))
    return mach_o_refuse(DARWIN_EINVAL);
  return (int)mach_o_result(openat(
      dir, path, MACH_O_TO_LINUX("open", flags, open_flags), (mode_t)mode));
}

/* Only without O_CREAT. */
static int darwin_open(const char *path, int flags) {
  return (int)mach_o_result(
      open(path, MACH_O_TO_LINUX("open", flags, open_flags) & ~O_CREAT));
}

static bool is_on_drive(int fd) {
  struct stat st;

  return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

enum { GETFD = 1, SETFD, GETFL, SETFL, FULLFSYNC = 51 };

static int darwin_fcntl(int fd, int command, MACH_O_SIX_REGISTERS long value) {
  int flags;

  switch (command) {
    case GETFD:
      return (int)mach_o_result(fcntl(fd, F_GETFD));
    case SETFD:
      return (int)mach_o_result(fcntl(fd, F_SETFD, (int)value));
    case GETFL:
      flags = fcntl(fd, F_GETFL);
      return flags < 0 ? (int)mach_o_result(flags)
                       : MACH_O_TO_DARWIN(flags, open_flags);
    case SETFL:
      flags = MACH_O_TO_LINUX("F_SETFL", (int)value, open_flags);
      return (int)mach_o_result(fcntl(fd, F_SETFL, flags));
    case FULLFSYNC:
      if (!is_on_drive(fd)) return mach_o_refuse(DARWIN_EBADF);
      return (int)mach_o_result(fsync(fd));
    default:
      mach_o_fail("fcntl has the unknown command %d", command);
  }
}

static int darwin_close(int fd) {
  return (int)mach_o_result(close(fd));
}

/* Leaves the bytes of a file in the drive's cache. */
static int darwin_fsync(int fd) {
  if (is_on_drive(fd)) mach_o_fail("fsync is called for a file");
  return (int)mach_o_result(fsync(fd));
}

static int darwin_ftruncate(int fd, off_t size) {
  return (int)mach_o_result(ftruncate(fd, size));
}

static off_t darwin_lseek(int fd, off_t offset, int whence) {
  return mach_o_result(lseek(fd, offset, whence));
}

static int darwin_isatty(int fd) {
  return isatty(fd);
}

static int darwin_pipe(int ends[2]) {
  return (int)mach_o_result(pipe(ends));
}

static int darwin_mkstemp(char *name) {
  return (int)mach_o_result(mkstemp(name));
}

/* --- Times and stat --- */

typedef struct darwin_stat {
  int32_t dev;
  uint16_t mode;
  uint16_t nlink;
  uint64_t ino;
  uint32_t uid;
  uint32_t gid;
  int32_t rdev;
  struct timespec atime;
  struct timespec mtime;
  struct timespec ctime;
  struct timespec birthtime;
  int64_t size;
  int64_t blocks;
  int32_t blksize;
  uint32_t flags;
  uint32_t gen;
  int32_t spare;
  int64_t spares[2];
} darwin_stat;
_Static_assert(sizeof(darwin_stat) == 144, "the size on macOS");

static int to_darwin_stat(int result, const struct stat *st,
                          darwin_stat *stat) {
  if (result < 0) return (int)mach_o_result(result);
  *stat = (darwin_stat){
      .dev = (int32_t)st->st_dev,
      .mode = (uint16_t)st->st_mode,
      .nlink = (uint16_t)st->st_nlink,
      .ino = st->st_ino,
      .uid = st->st_uid,
      .gid = st->st_gid,
      .rdev = (int32_t)st->st_rdev,
      .atime = st->st_atim,
      .mtime = st->st_mtim,
      .ctime = st->st_ctim,
      .birthtime = st->st_ctim,
      .size = st->st_size,
      .blocks = st->st_blocks,
      .blksize = (int32_t)st->st_blksize,
  };
  return 0;
}

static const mach_o_flag at_flags[] = {{0x20, AT_SYMLINK_NOFOLLOW}};
static const mach_o_flag unlink_flags[] = {{0x80, AT_REMOVEDIR}};

static int darwin_fstat(int fd, darwin_stat *stat) {
  struct stat st;

  return to_darwin_stat(fstat(fd, &st), &st, stat);
}

static int darwin_fstatat(int dir, const char *path, darwin_stat *stat,
                          int flags) {
  struct stat st;
  const int at = MACH_O_TO_LINUX("fstatat", flags, at_flags);

  return to_darwin_stat(fstatat(dir, path, &st, at), &st, stat);
}

static struct timespec to_linux_time(struct timespec time) {
  if (time.tv_nsec == -1) time.tv_nsec = UTIME_NOW;
  if (time.tv_nsec == -2) time.tv_nsec = UTIME_OMIT;
  return time;
}

static int darwin_futimens(int fd, const struct timespec times[2]) {
  struct timespec both[] = {to_linux_time(times[0]), to_linux_time(times[1])};

  return (int)mach_o_result(futimens(fd, both));
}

static int darwin_utimensat(int dir, const char *path,
                            const struct timespec times[2], int flags) {
  struct timespec both[] = {to_linux_time(times[0]), to_linux_time(times[1])};
  const int at = MACH_O_TO_LINUX("utimensat", flags, at_flags);

  return (int)mach_o_result(utimensat(dir, path, both, at));
}

/* --- Names --- */

static int darwin_linkat(int from_dir, const char *from, int to_dir,
                         const char *to, int flags) {
  if (flags != 0) mach_o_fail("linkat has the flags 0x%x", (unsigned)flags);
  return (int)mach_o_result(linkat(from_dir, from, to_dir, to, 0));
}

static int darwin_mkdirat(int dir, const char *path, uint16_t mode) {
  return (int)mach_o_result(mkdirat(dir, path, mode));
}

static ssize_t darwin_readlinkat(int dir, const char *path, char *text,
                                 size_t size) {
  return mach_o_result(readlinkat(dir, path, text, size));
}

static int darwin_renameat(int from_dir, const char *from, int to_dir,
                           const char *to) {
  return (int)mach_o_result(renameat(from_dir, from, to_dir, to));
}

static int darwin_symlinkat(const char *target, int dir, const char *path) {
  return (int)mach_o_result(symlinkat(target, dir, path));
}

/* For a directory macOS says EPERM. */
static int darwin_unlinkat(int dir, const char *path, int flags) {
  const int at = MACH_O_TO_LINUX("unlinkat", flags, unlink_flags);
  int result = unlinkat(dir, path, at);

  if (result < 0 && errno == EISDIR) return mach_o_refuse(DARWIN_EPERM);
  return (int)mach_o_result(result);
}

static int darwin_unlink(const char *path) {
  return darwin_unlinkat(AT_FDCWD, path, 0);
}

/* --- Directories --- */

typedef struct darwin_dirent {
  uint64_t ino;
  uint64_t seekoff;
  uint16_t reclen;
  uint16_t namlen;
  uint8_t type; /* the numbers are Linux's */
  char name[1024];
} darwin_dirent;

/* As on macOS, a value of telldir is an index into a list of places, which ends
 * with rewinddir. */
typedef struct darwin_dir {
  DIR *dir;
  long *places;
  long count;
  darwin_dirent entry;
} darwin_dir;

static darwin_dir *darwin_fdopendir(int fd) {
  darwin_dir *dir = calloc(1, sizeof(*dir));

  if (dir != NULL) dir->dir = fdopendir(fd);
  if (dir != NULL && dir->dir != NULL) return dir;
  mach_o_set_errno();
  free(dir);
  return NULL;
}

static darwin_dirent *darwin_readdir(darwin_dir *dir) {
  const struct dirent *found;

  errno = 0;
  found = readdir(dir->dir);
  if (found == NULL) {
    if (errno != 0) mach_o_set_errno();
    return NULL;
  }
  dir->entry.ino = found->d_ino;
  dir->entry.type = found->d_type;
  dir->entry.namlen = (uint16_t)strlen(found->d_name);
  memcpy(dir->entry.name, found->d_name, dir->entry.namlen + 1u);
  return &dir->entry;
}

static void darwin_rewinddir(darwin_dir *dir) {
  rewinddir(dir->dir);
  dir->count = 0;
}

static long darwin_telldir(darwin_dir *dir) {
  const size_t size = (size_t)(dir->count + 1) * sizeof(*dir->places);
  long *places = realloc(dir->places, size);

  if (places == NULL) return -1;
  dir->places = places;
  places[dir->count] = telldir(dir->dir);
  return dir->count++;
}

static void darwin_seekdir(darwin_dir *dir, long place) {
  if (place >= 0 && place < dir->count) seekdir(dir->dir, dir->places[place]);
}

static int darwin_closedir(darwin_dir *dir) {
  int result = closedir(dir->dir);

  free(dir->places);
  free(dir);
  return (int)mach_o_result(result);
}

const mach_o_symbol mach_o_files[] = {
    {"_close", darwin_close},
    {"_closedir", darwin_closedir},
    {"_fcntl", darwin_fcntl},
    {MACH_O_INODE64("fdopendir"), darwin_fdopendir},
    {MACH_O_INODE64("fstat"), darwin_fstat},
    {MACH_O_INODE64("fstatat"), darwin_fstatat},
    {"_fsync", darwin_fsync},
    {"_ftruncate", darwin_ftruncate},
    {"_futimens", darwin_futimens},
    {"_isatty", darwin_isatty},
    {"_linkat", darwin_linkat},
    {"_lseek", darwin_lseek},
    {"_mkdirat", darwin_mkdirat},
    {"_mkstemp", darwin_mkstemp},
    {"_open", darwin_open},
    {"_openat", darwin_openat},
    {"_pipe", darwin_pipe},
    {MACH_O_INODE64("readdir"), darwin_readdir},
    {"_readlinkat", darwin_readlinkat},
    {"_renameat", darwin_renameat},
    {MACH_O_INODE64("rewinddir"), darwin_rewinddir},
    {MACH_O_INODE64("seekdir"), darwin_seekdir},
    {"_symlinkat", darwin_symlinkat},
    {MACH_O_INODE64("telldir"), darwin_telldir},
    {"_unlink", darwin_unlink},
    {"_unlinkat", darwin_unlinkat},
    {"_utimensat", darwin_utimensat},
    {NULL, NULL},
};
