#ifndef WV_DARWIN_UNISTD_H
#define WV_DARWIN_UNISTD_H

#include <sys/types.h>

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

ssize_t read(int, void *, size_t);
ssize_t write(int, const void *, size_t);
ssize_t pread(int, void *, size_t, off_t);
ssize_t pwrite(int, const void *, size_t, off_t);
off_t lseek(int, off_t, int);
int close(int);
int fsync(int);
int ftruncate(int, off_t);
int isatty(int);
int pipe(int[2]);

int linkat(int, const char *, int, const char *, int);
ssize_t readlinkat(int, const char *, char *, size_t);
int symlinkat(const char *, int, const char *);
int unlink(const char *);
int unlinkat(int, const char *, int);

#endif
