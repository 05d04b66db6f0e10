/* Reading and writing, for Linux, macOS and the BSDs. */
#define _GNU_SOURCE /* pwritev and pwritev2 with glibc and musl */
#define _DARWIN_C_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys_posix.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* The longest beginning of a list within WV_SYS_MOST. It has whole buffers if
 * one of them fits. */
static const struct iovec *at_most(const struct iovec *iov, int *count,
                                   struct iovec *part) {
  size_t room = WV_SYS_MOST;
  int whole = 0;

  while (*count > 1 && iov->iov_len == 0) iov++, --*count;
  while (whole < *count && iov[whole].iov_len <= room)
    room -= iov[whole++].iov_len;
  if (whole == *count) return iov;
  *count = whole;
  if (whole > 0) return iov;
  *part = (struct iovec){.iov_base = iov->iov_base, .iov_len = WV_SYS_MOST};
  *count = 1;
  return part;
}

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
  return read(fd, buf, len < WV_SYS_MOST ? len : WV_SYS_MOST);
}

ssize_t wv_sys_readv(int fd, const struct iovec *iov, int count) {
  struct iovec part;

  iov = at_most(iov, &count, &part);
  return readv(fd, iov, count);
}

ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  return write(fd, buf, len < WV_SYS_MOST ? len : WV_SYS_MOST);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  struct iovec part;

  iov = at_most(iov, &count, &part);
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
  return pread(fd, buf, len < WV_SYS_MOST ? len : WV_SYS_MOST, (off_t)offset);
}

ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset) {
  return pwrite(fd, buf, len < WV_SYS_MOST ? len : WV_SYS_MOST, (off_t)offset);
}
#endif

ssize_t wv_sys_preadv(int fd, const struct iovec *iov, int count,
                      int64_t offset) {
  struct iovec part;

  iov = at_most(iov, &count, &part);
  return preadv(fd, iov, count, (off_t)offset);
}

ssize_t wv_sys_pwritev(int fd, const struct iovec *iov, int count,
                       int64_t offset) {
  struct iovec part;

  iov = at_most(iov, &count, &part);
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

static struct msghdr message_of(const struct iovec *iov, int count) {
  struct msghdr message;

  memset(&message, 0, sizeof(message));
  message.msg_iov = (struct iovec *)iov;
  message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
  return message;
}

static int message_flags(int flags) {
  return MSG_NOSIGNAL | (flags & WV_SYS_MSG_DONTWAIT ? MSG_DONTWAIT : 0) |
         (flags & WV_SYS_MSG_PEEK ? MSG_PEEK : 0);
}

ssize_t wv_sys_send(int fd, const struct iovec *iov, int count, int flags) {
  struct iovec part;
  struct msghdr message;

  iov = at_most(iov, &count, &part);
  message = message_of(iov, count);
  return sendmsg(fd, &message, message_flags(flags));
}

ssize_t wv_sys_recv(int fd, const struct iovec *iov, int count, int flags,
                    bool *truncated) {
  struct iovec part;
  struct msghdr message;
  ssize_t n;

  iov = at_most(iov, &count, &part);
  message = message_of(iov, count);
  n = recvmsg(fd, &message, message_flags(flags));
  *truncated = n >= 0 && (message.msg_flags & MSG_TRUNC) != 0;
  return n;
}
