#ifndef WV_DARWIN_STAT_H
#define WV_DARWIN_STAT_H

#include <sys/cdefs.h>
#include <sys/types.h>
#include <time.h>

/* With inodes of 64 bits. */
struct stat {
  dev_t st_dev;
  mode_t st_mode;
  nlink_t st_nlink;
  ino_t st_ino;
  uid_t st_uid;
  gid_t st_gid;
  dev_t st_rdev;
  struct timespec st_atimespec;
  struct timespec st_mtimespec;
  struct timespec st_ctimespec;
  struct timespec st_birthtimespec;
  off_t st_size;
  blkcnt_t st_blocks;
  blksize_t st_blksize;
  uint32_t st_flags;
  uint32_t st_gen;
  int32_t st_lspare;
  int64_t st_qspare[2];
};

#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFLNK 0120000
#define S_IFSOCK 0140000
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)
#define S_ISFIFO(mode) (((mode)&S_IFMT) == S_IFIFO)
#define S_ISSOCK(mode) (((mode)&S_IFMT) == S_IFSOCK)

#define UTIME_NOW -1
#define UTIME_OMIT -2

int fstat(int, struct stat *) WV_INODE64(fstat);
int fstatat(int, const char *, struct stat *, int) WV_INODE64(fstatat);
int futimens(int, const struct timespec[2]);
int mkdirat(int, const char *, mode_t);
int utimensat(int, const char *, const struct timespec[2], int);

#endif
