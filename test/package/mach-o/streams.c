/* Reads, writes, sockets and polls. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "libsystem.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

/* --- Reads and writes. struct iovec is that of Linux. --- */

/* Does macOS refuse a list, by its number of buffers or their sum? */
static bool is_refused(const struct iovec *iov, int count) {
  size_t room = INT_MAX;
  int i;

  for (i = 0; i < count && iov[i].iov_len <= room; i++) room -= iov[i].iov_len;
  return i < count || count <= 0 || count > 1024;
}

static ssize_t darwin_read(int fd, void *to, size_t len) {
  if (len > INT_MAX) return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(read(fd, to, len));
}

static ssize_t darwin_write(int fd, const void *from, size_t len) {
  if (len > INT_MAX) return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(write(fd, from, len));
}

static ssize_t darwin_pread(int fd, void *to, size_t len, off_t offset) {
  if (len > INT_MAX) return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(pread(fd, to, len, offset));
}

static ssize_t darwin_readv(int fd, const struct iovec *iov, int count) {
  if (is_refused(iov, count)) return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(readv(fd, iov, count));
}

static ssize_t darwin_writev(int fd, const struct iovec *iov, int count) {
  if (is_refused(iov, count)) return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(writev(fd, iov, count));
}

static ssize_t darwin_preadv(int fd, const struct iovec *iov, int count,
                             off_t offset) {
  if (is_refused(iov, count)) return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(preadv(fd, iov, count, offset));
}

static bool appends(int fd) {
  return (fcntl(fd, F_GETFL) & O_APPEND) != 0;
}

/* A write at an offset ignores that the file was opened to append, unlike on
 * Linux. QEMU does not know how. */
static ssize_t darwin_pwritev(int fd, const struct iovec *iov, int count,
                              off_t offset) {
  ssize_t n = -1;

  if (is_refused(iov, count)) return mach_o_refuse(DARWIN_EINVAL);
  errno = ENOSYS;
  if (appends(fd))
    n = syscall(SYS_pwritev2, fd, iov, count, (long)offset, 0L, RWF_NOAPPEND);
  if (n < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
    n = pwritev(fd, iov, count, offset);
  return mach_o_result(n);
}

static ssize_t darwin_pwrite(int fd, const void *from, size_t len,
                             off_t offset) {
  const struct iovec iov = {.iov_base = (void *)from, .iov_len = len};

  if (len > INT_MAX || appends(fd)) return darwin_pwritev(fd, &iov, 1, offset);
  return mach_o_result(pwrite(fd, from, len, offset));
}

/* --- Sockets --- */

typedef struct darwin_msghdr {
  void *name;
  uint32_t name_len;
  struct iovec *iov;
  int iov_len;
  void *control;
  uint32_t control_len;
  int flags;
} darwin_msghdr;

static const mach_o_flag message_flags[] = {
    {0x2, MSG_PEEK},
    {0x10, MSG_TRUNC},
    {0x80, MSG_DONTWAIT},
    {0x80000, MSG_NOSIGNAL},
};

/* An address and control messages are not known. */
static struct msghdr to_linux_message(const darwin_msghdr *message) {
  if (message->name != NULL || message->control != NULL)
    mach_o_fail("a message has an address or control messages");
  return (struct msghdr){.msg_iov = message->iov,
                         .msg_iovlen = (size_t)message->iov_len};
}

static ssize_t darwin_sendmsg(int fd, const darwin_msghdr *message, int flags) {
  const struct msghdr to = to_linux_message(message);

  if (is_refused(message->iov, message->iov_len))
    return mach_o_refuse(DARWIN_EINVAL);
  return mach_o_result(
      sendmsg(fd, &to, MACH_O_TO_LINUX("sendmsg", flags, message_flags)));
}

static ssize_t darwin_recvmsg(int fd, darwin_msghdr *message, int flags) {
  struct msghdr from = to_linux_message(message);
  ssize_t n;

  if (is_refused(message->iov, message->iov_len))
    return mach_o_refuse(DARWIN_EINVAL);
  n = recvmsg(fd, &from, MACH_O_TO_LINUX("recvmsg", flags, message_flags));
  message->flags = MACH_O_TO_DARWIN(from.msg_flags, message_flags);
  return mach_o_result(n);
}

static int darwin_accept(int fd, void *address, uint32_t *size) {
  if (address != NULL || size != NULL) mach_o_fail("accept has an address");
  return (int)mach_o_result(accept(fd, NULL, NULL));
}

static int darwin_shutdown(int fd, int how) {
  return (int)mach_o_result(shutdown(fd, how));
}

/* The address is not that of macOS. */
static int darwin_getpeername(int fd, void *address, uint32_t *size) {
  return (int)mach_o_result(getpeername(fd, address, size));
}

static int darwin_getsockopt(int fd, int level, int option, void *value,
                             uint32_t *size) {
  if (level != 0xffff) mach_o_fail("getsockopt has the level %d", level);
  switch (option) {
    case 0x2: /* SO_ACCEPTCONN, which sogetoptlock does not know */
      return mach_o_refuse(DARWIN_ENOPROTOOPT);
    case 0x1008:
      return (int)mach_o_result(
          getsockopt(fd, SOL_SOCKET, SO_TYPE, value, size));
    default:
      mach_o_fail("getsockopt has the option 0x%x", (unsigned)option);
  }
}

static int darwin_ioctl(int fd, unsigned long request,
                        MACH_O_SIX_REGISTERS long value) {
  if (request != 0x4004667f)
    mach_o_fail("ioctl has the request 0x%lx", request);
  return (int)mach_o_result(ioctl(fd, FIONREAD, (int *)value));
}

/* --- Polls. struct pollfd and the numbers of these events are Linux's. --- */

#define KNOWN_EVENTS (POLLIN | POLLOUT)

/* The sources of macOS: filt_specattach takes terminals alone. */
static bool is_other_device(int fd) {
  struct stat st;

  return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && !isatty(fd);
}

static int darwin_poll(struct pollfd *fds, unsigned count, int timeout) {
  struct pollfd asked[1024];
  bool none = true;
  unsigned i;
  int ready;

  if (count > sizeof(asked) / sizeof(asked[0]))
    return mach_o_refuse(DARWIN_EINVAL);
  for (i = 0; i < count; i++) {
    if (fds[i].events & ~KNOWN_EVENTS)
      mach_o_fail("poll has the events 0x%x", (unsigned)fds[i].events);
    asked[i] = fds[i];
    if (!is_other_device(fds[i].fd)) continue;
    asked[i].fd = -1;
    none = false;
  }
  ready = poll(asked, count, none ? timeout : 0);
  if (ready < 0) return (int)mach_o_result(ready);
  for (i = 0; i < count; i++) {
    fds[i].revents = asked[i].revents;
    if (asked[i].fd == fds[i].fd) continue;
    fds[i].revents = POLLNVAL;
    ready++;
  }
  return ready;
}

const mach_o_symbol mach_o_streams[] = {
    {"_accept", darwin_accept},
    {"_getpeername", darwin_getpeername},
    {"_getsockopt", darwin_getsockopt},
    {"_ioctl", darwin_ioctl},
    {"_poll", darwin_poll},
    {"_pread", darwin_pread},
    {"_preadv", darwin_preadv},
    {"_pwrite", darwin_pwrite},
    {"_pwritev", darwin_pwritev},
    {"_read", darwin_read},
    {"_readv", darwin_readv},
    {"_recvmsg", darwin_recvmsg},
    {"_sendmsg", darwin_sendmsg},
    {"_shutdown", darwin_shutdown},
    {"_write", darwin_write},
    {"_writev", darwin_writev},
    {NULL, NULL},
};
