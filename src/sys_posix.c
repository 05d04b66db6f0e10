/* The system calls, for Linux, macOS and the BSDs. */
#define _GNU_SOURCE /* pwritev, pwritev2, O_CLOEXEC with glibc and musl */
#define _DARWIN_C_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"

#ifdef __linux__
#include <sys/syscall.h>
#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x00000020
#endif
#endif

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* libc's write, writev and pwrite are points of thread cancellation, which
 * nothing in this process uses, and pay for that at each call: about a
 * twentieth of a small write. syscall(2) does not. */
#ifdef __linux__
ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  return syscall(SYS_write, fd, buf, len);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  return syscall(SYS_writev, fd, iov, count);
}
#else
ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  return write(fd, buf, len);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  return writev(fd, iov, count);
}
#endif

/* The offset of the raw call is one word only where a word has 64 bits. */
#if defined(__linux__) && defined(__LP64__)
ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset) {
  return syscall(SYS_pwrite64, fd, buf, len, offset);
}
#else
ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset) {
  return pwrite(fd, buf, len, (off_t)offset);
}
#endif

ssize_t wv_sys_pwritev(int fd, const struct iovec *iov, int count,
                       int64_t offset) {
  return pwritev(fd, iov, count, (off_t)offset);
}

ssize_t wv_sys_pwritev_noappend(int fd, const struct iovec *iov, int count,
                                int64_t offset) {
#if defined(__linux__) && defined(SYS_pwritev2)
  /* By number, since the function came with glibc 2.26. The kernel takes the
   * offset in two words of `long`, low one first. */
  ssize_t n =
      syscall(SYS_pwritev2, fd, iov, count, (long)offset,
              sizeof(long) == 8 ? 0L : (long)(offset >> 32), RWF_NOAPPEND);

  if (n >= 0 || (errno != ENOSYS && errno != EOPNOTSUPP)) return n;
#endif
  return wv_sys_pwritev(fd, iov, count, offset);
}

ssize_t wv_sys_send_nowait(int fd, const struct iovec *iov, int count) {
  struct msghdr message;

  memset(&message, 0, sizeof(message));
  message.msg_iov = (struct iovec *)iov;
  message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int wv_sys_wait_writable(int fd, int timeout) {
  struct pollfd target = {.fd = fd, .events = POLLOUT, .revents = 0};

  return poll(&target, 1, timeout);
}

/* libc has a function of that name since glibc 2.33 only. On these machines the
 * kernel's struct stat is that of glibc and of musl. */
static int sys_fstat(int fd, struct stat *st) {
#if defined(__linux__) && defined(__LP64__) && \
    (defined(__x86_64__) || defined(__aarch64__))
  return (int)syscall(SYS_fstat, fd, st);
#else
  return fstat(fd, st);
#endif
}

size_t wv_sys_sure_room(int fd) {
  struct stat st;

  if (sys_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode)) return PIPE_BUF;
  /* A terminal may have room for one, and waits for room for the others. */
  return isatty(fd) ? 1 : SIZE_MAX;
}

int64_t wv_sys_now(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int wv_sys_flags(int fd) {
  int flags = fcntl(fd, F_GETFL);

  if (flags < 0) return -1;
  return ((flags & O_ACCMODE) == O_RDONLY ? 0 : WV_SYS_WRITABLE) |
         (flags & O_NONBLOCK ? WV_SYS_NONBLOCK : 0) |
         (flags & O_APPEND ? WV_SYS_APPEND : 0);
}

int64_t wv_sys_offset(int fd) {
  return lseek(fd, 0, SEEK_CUR);
}

int wv_sys_move(int fd, int64_t distance) {
  return lseek(fd, (off_t)distance, SEEK_CUR) < 0 ? -1 : 0;
}

int wv_sys_stat_kind(int fd, wv_sys_kind *kind) {
  struct stat st;

  if (sys_fstat(fd, &st) < 0) return -1;
  *kind = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? WV_SYS_FILE
          : S_ISSOCK(st.st_mode)                     ? WV_SYS_SOCKET
                                                     : WV_SYS_OTHER;
  return 0;
}

int wv_sys_dup(int fd) {
  return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void wv_sys_close(int fd) {
  close(fd);
}

int wv_sys_open_null(void) {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int wv_sys_each_fd(bool (*visit)(void *data, int fd), void *data) {
  /* /dev/fd is a link to /proc/self/fd on Linux. */
  DIR *directory = opendir("/dev/fd");
  struct dirent *entry;
  char *end;
  long fd;

  if (directory == NULL) return -1;
  while ((entry = readdir(directory)) != NULL) {
    fd = strtol(entry->d_name, &end, 10);
    if (end == entry->d_name || *end != '\0') continue; /* "." and ".." */
    if (fd < 0 || fd > INT_MAX || fd == dirfd(directory)) continue;
    if (!visit(data, (int)fd)) break;
  }
  closedir(directory);
  return 0;
}
