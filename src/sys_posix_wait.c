/* Waiting, time and random bytes, for Linux, macOS and the BSDs. */
#define _GNU_SOURCE /* ppoll, pipe2, tee */
#define _DARWIN_C_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sys_posix.h"

#define NS_PER_S 1000000000
#define NS_PER_MS 1000000

/* Up to this many descriptors are polled without an allocation. */
#define FEW 16

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
static int poll_for(struct pollfd *fds, uint32_t count, int64_t timeout) {
  struct timespec time = {.tv_sec = (time_t)(timeout / NS_PER_S),
                          .tv_nsec = (long)(timeout % NS_PER_S)};

  if (sizeof(time_t) == 4 && timeout / NS_PER_S > INT_MAX)
    time.tv_sec = INT_MAX;
  return ppoll(fds, (nfds_t)count, timeout < 0 ? NULL : &time, NULL);
}
#else
/* poll(2) takes whole milliseconds: rounds up. */
static int poll_for(struct pollfd *fds, uint32_t count, int64_t timeout) {
  int64_t left =
      timeout < 0 ? -1 : timeout / NS_PER_MS + (timeout % NS_PER_MS != 0);
  int part;
  int ready;

  do {
    part = left > INT_MAX ? INT_MAX : (int)left;
    ready = poll(fds, (nfds_t)count, part);
    if (left >= 0) left -= part;
  } while (ready == 0 && left > 0);
  return ready;
}
#endif

static void ask(struct pollfd *pollfd, const wv_sys_pollfd *of) {
  int events = 0;

  if (of->events & WV_SYS_POLL_READ) events |= POLLIN | POLLRDHUP;
  if (of->events & WV_SYS_POLL_WRITE) events |= POLLOUT;
  *pollfd = (struct pollfd){.fd = of->fd, .events = (short)events};
}

static uint8_t answer(int revents) {
  int ready = 0;

  if (revents & POLLIN) ready |= WV_SYS_POLL_READ;
  if (revents & POLLOUT) ready |= WV_SYS_POLL_WRITE;
  if (revents & POLLHUP) ready |= WV_SYS_POLL_HANGUP;
  if (revents & POLLERR) ready |= WV_SYS_POLL_ERROR;
  if (revents & POLLNVAL) ready |= WV_SYS_POLL_INVALID;
  if (revents & POLLRDHUP) ready |= WV_SYS_POLL_END;
  return (uint8_t)ready;
}

/* poll(2) of macOS says POLLNVAL for an open device other than a terminal. Such
 * a device has nothing to wait for. */
static int corrected(const struct pollfd *pollfd) {
#ifdef __APPLE__
  if ((pollfd->revents & POLLNVAL) && fcntl(pollfd->fd, F_GETFD) >= 0)
    return pollfd->events;
#endif
  return pollfd->revents;
}

int wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  struct pollfd few[FEW];
  struct pollfd *asked = few;
  uint32_t i;
  int ready;
  int error;

  if (count > FEW) asked = malloc(count * sizeof(*asked));
  if (asked == NULL) {
    errno = ENOMEM;
    return -1;
  }
  for (i = 0; i < count; i++) ask(&asked[i], &fds[i]);
  ready = poll_for(asked, count, timeout);
  error = errno;
  for (i = 0; i < count; i++)
    fds[i].ready = ready > 0 ? answer(corrected(&asked[i])) : 0;
  if (asked != few) free(asked);
  errno = error;
  return ready;
}

int64_t wv_sys_readable(int fd) {
  int bytes = 0;

  return ioctl(fd, FIONREAD, &bytes) < 0 ? -1 : bytes;
}

static bool has_peer(int fd) {
  uint64_t peer[2]; /* the beginning of an address is enough */
  socklen_t size = sizeof(peer);

  return getpeername(fd, (struct sockaddr *)peer, &size) == 0;
}

bool wv_sys_is_listening(int fd) {
  int listening = 0;
  int type = 0;
  socklen_t size = sizeof(int);

  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0)
    return listening != 0;
  /* macOS has the name of the option alone. A stream without a peer listens, or
   * nobody ever connects to it. */
  return errno == ENOPROTOOPT &&
         getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         type == SOCK_STREAM && !has_peer(fd);
}

int wv_sys_pipe_state(int fd) {
#ifdef __linux__
  int scratch[2];
  ssize_t copied;
  int error;

  if (pipe2(scratch, O_CLOEXEC) < 0) return -2;
  copied = tee(fd, scratch[1], 1, SPLICE_F_NONBLOCK);
  error = errno;
  close(scratch[0]);
  close(scratch[1]);
  if (copied >= 0) return copied > 0 ? 1 : -1;
  return error == EAGAIN ? 0 : -2;
#else
  (void)fd;
  return -2;
#endif
}

/* By number: glibc has the functions since 2.26. The offset -1, the file's
 * position, is passed as two `long`s. */
#if defined(__linux__) && defined(SYS_pwritev2)
ssize_t wv_sys_write_nowait(int fd, const struct iovec *iov, int count) {
  return syscall(SYS_pwritev2, fd, iov, count, -1L, -1L, RWF_NOWAIT);
}

ssize_t wv_sys_read_nowait(int fd, const struct iovec *iov, int count) {
  return syscall(SYS_preadv2, fd, iov, count, -1L, -1L, RWF_NOWAIT);
}
#else
ssize_t wv_sys_write_nowait(int fd, const struct iovec *iov, int count) {
  (void)fd, (void)iov, (void)count;
  errno = ENOSYS;
  return -1;
}

ssize_t wv_sys_read_nowait(int fd, const struct iovec *iov, int count) {
  return wv_sys_write_nowait(fd, iov, count);
}
#endif

#ifdef __linux__
int wv_sys_reopen(int fd) {
  char path[32];
  int flags = fcntl(fd, F_GETFL);

  if (flags < 0) return -1;
  if (ptsname_r(fd, path, sizeof(path)) == 0) {
    errno = EACCES;
    return -1;
  }
  snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}
#else
/* Here /dev/fd gives the same description. */
int wv_sys_reopen(int fd) {
  (void)fd;
  errno = ENOSYS;
  return -1;
}
#endif

/* False, with errno: no such clock. */
static bool find_clock(uint32_t id, clockid_t *clock) {
  static const clockid_t clocks[] = {
      [WV_CLOCK_REALTIME] = CLOCK_REALTIME,
      [WV_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
      [WV_CLOCK_PROCESS_CPUTIME] = CLOCK_PROCESS_CPUTIME_ID,
      [WV_CLOCK_THREAD_CPUTIME] = CLOCK_THREAD_CPUTIME_ID,
  };

  errno = EINVAL;
  if (id >= sizeof(clocks) / sizeof(clocks[0])) return false;
  *clock = clocks[id];
  return true;
}

static uint64_t nanoseconds(const struct timespec *time) {
  return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
}

int wv_sys_clock(uint32_t id, uint64_t *now) {
  struct timespec time;
  clockid_t clock;

  if (!find_clock(id, &clock) || clock_gettime(clock, &time) < 0) return -1;
  *now = nanoseconds(&time);
  return 0;
}

int wv_sys_clock_resolution(uint32_t id, uint64_t *resolution) {
  struct timespec time;
  clockid_t clock;

  if (!find_clock(id, &clock) || clock_getres(clock, &time) < 0) return -1;
  *resolution = nanoseconds(&time);
  return 0;
}

#ifdef __linux__
int wv_sys_random(void *buf, size_t len) {
  uint8_t *at = buf;
  long n;

  while (len > 0) {
    n = syscall(SYS_getrandom, at, len, 0);
    if (n < 0 && errno != EINTR) return -1;
    if (n < 0) continue;
    at += n;
    len -= (size_t)n;
  }
  return 0;
}
#else
int wv_sys_random(void *buf, size_t len) {
  arc4random_buf(buf, len);
  return 0;
}
#endif

void wv_sys_yield(void) {
  sched_yield();
}
