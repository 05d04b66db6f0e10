/* The system calls behind the calls other than writes. calls.js lists both. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/random.h>
#include <sys/syscall.h>
#endif

#include "floor.h"

#define DIRECTORY_BLOCK 32768

static ssize_t read_list(const job *todo) {
  return todo->used == 1
             ? read(todo->data, todo->iov[0].iov_base, todo->iov[0].iov_len)
             : readv(todo->data, todo->iov, (int)todo->used);
}

/* Starts again at the end of the file. */
int read_turn(job *todo) {
  ssize_t got = read_list(todo);

  if (got == 0 && lseek(todo->data, 0, SEEK_SET) == 0) got = read_list(todo);
  return got > 0 ? 0 : -1;
}

int pread_turn(job *todo) {
  return pread(todo->data, todo->iov[0].iov_base, todo->iov[0].iov_len, 0) < 0
             ? -1
             : 0;
}

int seek_turn(job *todo) {
  return lseek(todo->data, 1, SEEK_SET) == 1 ? 0 : -1;
}

int fstat_turn(job *todo) {
  struct stat found;

  return fstat(todo->data, &found);
}

static int stat_at(const job *todo, const char *path) {
  struct stat found;

  return fstatat(todo->directory, path, &found, AT_SYMLINK_NOFOLLOW);
}

int stat1_turn(job *todo) {
  return stat_at(todo, "data");
}

int stat4_turn(job *todo) {
  return stat_at(todo, "a/b/c/data");
}

static int open_at(const job *todo, const char *path) {
  int fd = openat(todo->directory, path, O_RDONLY | O_CLOEXEC);

  return fd < 0 ? -1 : close(fd);
}

int open1_turn(job *todo) {
  return open_at(todo, "data");
}

int open4_turn(job *todo) {
  return open_at(todo, "a/b/c/data");
}

/* Reads all of `list`. */
int readdir_turn(job *todo) {
#ifdef __linux__
  static char block[DIRECTORY_BLOCK];
  long got;

  if (lseek(todo->list, 0, SEEK_SET) < 0) return -1;
  do {
    got = syscall(SYS_getdents64, todo->list, block, sizeof(block));
  } while (got > 0);
  return (int)got;
#else
  int fd = openat(todo->directory, "list", O_RDONLY | O_CLOEXEC);
  DIR *directory = fd < 0 ? NULL : fdopendir(fd);

  if (directory == NULL) return -1;
  while (readdir(directory) != NULL) continue;
  return closedir(directory);
#endif
}

int clock_turn(job *todo) {
  struct timespec time;

  (void)todo;
  return clock_gettime(CLOCK_MONOTONIC, &time);
}

int random_turn(job *todo) {
#ifdef __linux__
  return getrandom(todo->iov[0].iov_base, todo->iov[0].iov_len, 0) < 0 ? -1 : 0;
#else
  arc4random_buf(todo->iov[0].iov_base, todo->iov[0].iov_len);
  return 0;
#endif
}
