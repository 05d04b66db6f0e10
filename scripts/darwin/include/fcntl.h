#ifndef WV_DARWIN_FCNTL_H
#define WV_DARWIN_FCNTL_H

#include <sys/types.h>

#define O_RDONLY 0x0
#define O_WRONLY 0x1
#define O_RDWR 0x2
#define O_ACCMODE 0x3
#define O_NONBLOCK 0x4
#define O_APPEND 0x8
#define O_SYNC 0x80
#define O_NOFOLLOW 0x100
#define O_CREAT 0x200
#define O_TRUNC 0x400
#define O_EXCL 0x800
#define O_NOCTTY 0x20000
#define O_DIRECTORY 0x100000
#define O_DSYNC 0x400000
#define O_CLOEXEC 0x1000000

#define AT_SYMLINK_NOFOLLOW 0x20
#define AT_REMOVEDIR 0x80

#define F_GETFD 1
#define F_SETFD 2
#define F_GETFL 3
#define F_SETFL 4
#define F_FULLFSYNC 51
#define FD_CLOEXEC 1

int fcntl(int, int, ...);
int open(const char *, int, ...);
int openat(int, const char *, int, ...);

#endif
