/* Reading, writing and descriptors, for Linux, macOS and the BSDs. */
#define _GNU_SOURCE /* pwritev, pwritev2, O_CLOEXEC with glibc and musl */
#define _DARWIN_C_SOURCE

#include "sys_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* libc's read, write and so on are cancellation points. Nothing in this process
 * cancels threads, but the check takes about a twentieth of a small write. */
#ifdef __linux__
ssize_t wv_sys_read(int fd, void *buf, size_t len) {
  return syscall(SYS_read, fd, buf, len);
}

ssize_t wv_sys_readv(int fd, const struct iovec *iov, int count) {
  return syscall(SYS_readv, fd, iov, count);
}

ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  return syscall(SYS_write, fd, buf, len);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  return syscall(SYS_writev, fd, iov, count);
}
#else
ssize_t wv_sys_read(int fd, void *buf, size_t len) {
  return read(fd, buf, len);
}

ssize_t wv_sys_readv(int fd, const struct iovec *iov, int count) {
  return readv(fd, iov, count);
}

ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  return write(fd, buf, len);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  return writev(fd, iov, count);
}
#endif

/* With 64-bit words, the raw call takes the offset in one argument. */
#if defined(__linux__) && defined(__LP64__)
ssize_t wv_sys_pread(int fd, void *buf, size_t len, int64_t offset) {
  return syscall(SYS_pread64, fd, buf, len, offset);
}

ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset) {
  return syscall(SYS_pwrite64, fd, buf, len, offset);
}
#else
ssize_t wv_sys_pread(int fd, void *buf, size_t len, int64_t offset) {
  return pread(fd, buf, len, (off_t)offset);
}

ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset) {
  return pwrite(fd, buf, len, (off_t)offset);
}
#endif

ssize_t wv_sys_preadv(int fd, const struct iovec *iov, int count,
                      int64_t offset) {
  return preadv(fd, iov, count, (off_t)offset);
}

ssize_t wv_sys_pwritev(int fd, const struct iovec *iov, int count,
                       int64_t offset) {
  return pwritev(fd, iov, count, (off_t)offset);
}

ssize_t wv_sys_pwritev_noappend(int fd, const struct iovec *iov, int count,
                                int64_t offset) {
#if defined(__linux__) && defined(SYS_pwritev2)
  /* By number: glibc has the function since 2.26. The kernel takes the offset
   * as two `long`s, low word first. */
  ssize_t n =
      syscall(SYS_pwritev2, fd, iov, count, (long)offset,
              sizeof(long) == 8 ? 0L : (long)(offset >> 32), RWF_NOAPPEND);

  if (n >= 0 || (errno != ENOSYS && errno != EOPNOTSUPP)) return n;
#endif
  return wv_sys_pwritev(fd, iov, count, offset);
}

/* macOS refuses a message without a buffer. */
static struct msghdr message_of(const struct iovec *iov, int count) {
  static const struct iovec empty;
  struct msghdr message;

  memset(&message, 0, sizeof(message));
  message.msg_iov = (struct iovec *)(count > 0 ? iov : &empty);
  message.msg_iovlen = (__typeof__(message.msg_iovlen))(count > 0 ? count : 1);
  return message;
}

static int message_flags(int flags) {
  return MSG_NOSIGNAL | (flags & WV_SYS_MSG_DONTWAIT ? MSG_DONTWAIT : 0) |
         (flags & WV_SYS_MSG_PEEK ? MSG_PEEK : 0);
}

ssize_t wv_sys_send(int fd, const struct iovec *iov, int count, int flags) {
  struct msghdr message = message_of(iov, count);

  return sendmsg(fd, &message, message_flags(flags));
}

ssize_t wv_sys_recv(int fd, const struct iovec *iov, int count, int flags,
                    bool *truncated) {
  struct msghdr message = message_of(iov, count);
  ssize_t n = recvmsg(fd, &message, message_flags(flags));

  *truncated = n >= 0 && (message.msg_flags & MSG_TRUNC) != 0;
  return n;
}

int wv_sys_shutdown(int fd, bool read, bool write) {
  return shutdown(fd, read && write ? SHUT_RDWR : read ? SHUT_RD : SHUT_WR);
}

int wv_sys_accept(int fd) {
#ifdef __linux__
  return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
  int accepted = accept(fd, NULL, NULL);

  if (accepted >= 0) {
    fcntl(accepted, F_SETFD, FD_CLOEXEC);
    fcntl(accepted, F_SETFL, O_NONBLOCK);
  }
  return accepted;
#endif
}

bool wv_sys_is_terminal(int fd) {
  return isatty(fd) == 1;
}

int wv_sys_flags(int fd) {
  int flags = fcntl(fd, F_GETFL);
  int access = flags & O_ACCMODE;

  if (flags < 0) return -1;
#ifdef O_PATH
  if (flags & O_PATH) return 0;
#endif
  return (access == O_WRONLY ? 0 : WV_SYS_READABLE) |
         (access == O_RDONLY ? 0 : WV_SYS_WRITABLE) |
         (flags & O_APPEND ? WV_SYS_APPEND : 0) |
         (flags & O_DSYNC ? WV_SYS_DSYNC : 0) |
         ((flags & O_SYNC) == O_SYNC ? WV_SYS_SYNC : 0);
}

int wv_sys_set_append(int fd, bool append) {
  int flags = fcntl(fd, F_GETFL);

  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND);
}

int64_t wv_sys_seek(int fd, int64_t offset, int whence) {
  static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};

  return lseek(fd, (off_t)offset, whences[whence]);
}

int wv_sys_truncate(int fd, uint64_t size) {
  return ftruncate(fd, (off_t)size);
}

#ifdef __APPLE__
/* macOS has neither posix_fallocate nor posix_fadvise. Advice may be ignored.
 */
int wv_sys_allocate(int fd, uint64_t offset, uint64_t len) {
  (void)fd, (void)offset, (void)len;
  errno = ENOTSUP;
  return -1;
}

int wv_sys_advise(int fd, uint64_t offset, uint64_t len, uint8_t advice) {
  (void)offset, (void)len, (void)advice;
  return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

/* fsync(2) leaves bytes in the cache of the drive. Not all files and file
 * systems have F_FULLFSYNC. */
int wv_sys_sync(int fd) {
  int result = fcntl(fd, F_FULLFSYNC);

  return result == 0 || errno == EIO ? result : fsync(fd);
}

int wv_sys_datasync(int fd) {
  return wv_sys_sync(fd);
}
#else
/* Not posix_fallocate: where the file system lacks support, glibc emulates it
 * by slow writes to each block. */
int wv_sys_allocate(int fd, uint64_t offset, uint64_t len) {
#ifdef __linux__
  return fallocate(fd, 0, (off_t)offset, (off_t)len);
#else
  errno = posix_fallocate(fd, (off_t)offset, (off_t)len);
  return errno == 0 ? 0 : -1;
#endif
}

int wv_sys_advise(int fd, uint64_t offset, uint64_t len, uint8_t advice) {
  static const int advices[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};

  errno = posix_fadvise(fd, (off_t)offset, (off_t)len, advices[advice]);
  return errno == 0 ? 0 : -1;
}

int wv_sys_sync(int fd) {
  return fsync(fd);
}

int wv_sys_datasync(int fd) {
  return fdatasync(fd);
}
#endif

static struct timespec timespec_of(uint64_t time) {
  if (time == WV_SYS_TIME_NOW) return (struct timespec){.tv_nsec = UTIME_NOW};
  if (time == WV_SYS_TIME_OMIT) return (struct timespec){.tv_nsec = UTIME_OMIT};
  return (struct timespec){.tv_sec = (time_t)(time / 1000000000),
                           .tv_nsec = (long)(time % 1000000000)};
}

/* With 32 bits time_t ends in 2038. */
static bool is_lossless(uint64_t time) {
  const uint64_t seconds = time / 1000000000;

  return time >= WV_SYS_TIME_OMIT || (uint64_t)(time_t)seconds == seconds;
}

int wv_sys_timespecs(uint64_t atim, uint64_t mtim, struct timespec times[2]) {
  if (!is_lossless(atim) || !is_lossless(mtim)) {
    errno = EOVERFLOW;
    return -1;
  }
  times[0] = timespec_of(atim);
  times[1] = timespec_of(mtim);
  return 0;
}

int wv_sys_set_times(int fd, uint64_t atim, uint64_t mtim) {
  struct timespec times[2];

  if (wv_sys_timespecs(atim, mtim, times) < 0) return -1;
  return futimens(fd, times);
}

int wv_sys_close(int fd) {
  return close(fd);
}

uint32_t wv_sys_half_of_limit(void) {
  struct rlimit limit;

  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 128;
  return limit.rlim_cur / 2 > UINT32_MAX ? UINT32_MAX
                                         : (uint32_t)(limit.rlim_cur / 2);
}

#ifdef __linux__
int wv_sys_pipe(int ends[2]) {
  return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}
#else
int wv_sys_pipe(int ends[2]) {
  int i;

  if (pipe(ends) < 0) return -1;
  for (i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, fcntl(ends[i], F_GETFL) | O_NONBLOCK);
  }
  return 0;
}
#endif

void wv_sys_ignore_write_signals(void) {
  static const int signals[] = {SIGPIPE, SIGXFSZ};
  struct sigaction action;
  size_t i;

  for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    if (sigaction(signals[i], NULL, &action) < 0 ||
        action.sa_handler != SIG_DFL)
      continue;
    action.sa_handler = SIG_IGN;
    sigaction(signals[i], &action, NULL);
  }
}
