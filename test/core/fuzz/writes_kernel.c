/* The kernel's answers to writes. */
#include "writes_kernel.h"

#include <errno.h>
#include <string.h>

#include "iovec.h"

#define COMPARED_MAX (1 << 16) /* of one system call: a list can name 4 GiB */

struct outgoing outgoing;

static ssize_t failed(int error) {
  outgoing.error = errno = error;
  return -1;
}

/* Compares written bytes with the next ones expected. */
static void compare(const uint8_t *buf, uint64_t len) {
  uint64_t left = COMPARED_MAX;

  while (len > 0) {
    const wv_iovec *element = &expected.elements[expected.at];
    uint64_t part = element->buf_len - expected.off;

    CHECK(expected.at < expected.count);
    if (part > len) part = len;
    if (part <= left) {
      CHECK(memcmp(buf, outgoing.base + element->buf + expected.off, part) ==
            0);
      left -= part;
    }
    buf += part;
    len -= part;
    expected.off += (uint32_t)part;
    if (expected.off == element->buf_len) {
      expected.at++;
      expected.off = 0;
    }
  }
}

/* Reads each byte in order, like a kernel. */
static void touch(const uint8_t *buf, uint64_t len) {
  static volatile uint8_t sum;

  for (uint64_t i = 0; i < len && i < COMPARED_MAX; i += 8)
    sum = (uint8_t)(sum + buf[i]);
  sum = (uint8_t)(sum + buf[len - 1]);
}

static bool is_ours(int fd) {
  return fd == outgoing.host_fd ||
         (fd == outgoing.host_fd + OWN_FDS && kernel.has_own[outgoing.host_fd]);
}

static ssize_t take(int fd, const struct iovec *iov, int count,
                    int64_t offset) {
  uint8_t action = take_u8();
  uint64_t taken, left;
  int i;

  CHECK(is_ours(fd));
  CHECK(count > 0 && count <= WV_IOV_MAX);
  /* A flush continues at the offset after the bytes already written. */
  CHECK(offset ==
        (outgoing.offset < 0 ? -1 : outgoing.offset + (int64_t)outgoing.out));
  CHECK(outgoing.error == 0 ||
        outgoing.error == EAGAIN); /* else the call must end */
  CHECK(!outgoing.must_wait);      /* a loop that burns the CPU */
  /* A reader that always makes room must not prolong the slice. */
  CHECK(!outgoing.stream || !outgoing.was_short || !slice_is_over());
  outgoing.ready = false;
  if (outgoing.shared) scribble(outgoing.list);
  if (action % 8 == 7) {
    errno = EINTR;
    return -1;
  }

  outgoing.writes++;
  outgoing.offered = 0;
  for (i = 0; i < count; i++) {
    CHECK(iov[i].iov_len > 0);
    outgoing.offered += iov[i].iov_len;
  }
  CHECK(outgoing.offered <= WV_WRITE_MAX);
  if (action % 8 >= 5) {
    int error = action % 8 == 5 ? EAGAIN : take_u8();

    if (error == 0 || error == EINTR) error = EIO;
    outgoing.must_wait = error == EAGAIN;
    return failed(error);
  }

  outgoing.error = 0;
  taken = outgoing.offered;
  if (action % 8 == 4) taken = take_u32() % (taken + 1);
  if (action % 8 == 3) taken = (taken + 2) / 3;
  outgoing.out += taken;
  outgoing.took_none = taken == 0;
  outgoing.was_short = taken > 0 && taken < outgoing.offered;
  kernel.now += (action >> 3) * MS; /* a write takes its time */
  left = taken;
  for (i = 0; left > 0; i++) {
    uint64_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

    if (outgoing.shared)
      touch(iov[i].iov_base, part);
    else
      compare(iov[i].iov_base, part);
    left -= part;
  }
  return (ssize_t)taken;
}

/* A descriptor without O_NONBLOCK may get only as many bytes as poll has found
 * room for. Our own descriptors have O_NONBLOCK. */
static void check_may_block(int fd, uint64_t len) {
  if (fd != outgoing.host_fd || !outgoing.nonblocking || outgoing.host_nonblock)
    return;
  CHECK(outgoing.ready && len <= outgoing.room);
}

ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};

  check_may_block(fd, len);
  return take(fd, &iov, 1, -1);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  uint64_t len = 0;

  for (int i = 0; i < count; i++) len += iov[i].iov_len;
  check_may_block(fd, len);
  return take(fd, iov, count, -1);
}

ssize_t wv_sys_pwrite(int fd, const void *buf, size_t len, int64_t offset) {
  struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};

  return take(fd, &iov, 1, offset);
}

ssize_t wv_sys_pwritev(int fd, const struct iovec *iov, int count,
                       int64_t offset) {
  return take(fd, iov, count, offset);
}

ssize_t wv_sys_pwritev_noappend(int fd, const struct iovec *iov, int count,
                                int64_t offset) {
  return take(fd, iov, count, offset);
}

ssize_t wv_sys_send(int fd, const struct iovec *iov, int count, int flags) {
  CHECK(flags == WV_SYS_MSG_DONTWAIT);
  CHECK(outgoing.kind == WV_KIND_SOCKET);
  return take(fd, iov, count, -1);
}

/* Never waits, or does not exist. */
ssize_t wv_sys_write_nowait(int fd, const struct iovec *iov, int count) {
  static const int no_answers[] = {EOPNOTSUPP, ENOSYS, EINVAL};
  uint8_t how = take_u8();
  ssize_t n;
  int i;

  CHECK(fd == outgoing.host_fd && !kernel.has_own[fd] && outgoing.nonblocking);
  if (how % 4 == 3) {
    errno = no_answers[how % 3];
    return -1;
  }
  n = take(fd, iov, count, -1);
  for (i = 0; n < 0 && i < 3; i++)
    if (outgoing.error == no_answers[i]) {
      outgoing.error = 0;
      outgoing.writes--;
    }
  return n;
}

static int answer_reopen(int fd) {
  CHECK(fd == outgoing.host_fd && outgoing.nonblocking);
  CHECK(outgoing.kind == WV_KIND_PIPE || outgoing.kind == WV_KIND_TERMINAL);
  return open_own(fd);
}

/* Checks the timeout of a wait. The time limit starts with the first one. */
static void check_timeout(int64_t timeout) {
  if (outgoing.deadline < 0 && outgoing.limit >= 0)
    outgoing.deadline = kernel.now + outgoing.limit;
  CHECK(kernel.slice_start >= 0);
  CHECK(timeout >= 0 && timeout <= kernel.slice_start + SLICE - kernel.now);
  CHECK(outgoing.limit < 0 || timeout <= outgoing.deadline - kernel.now);
}

/* Asks for room before a write that must not wait; or waits, after a write
 * without room. */
static int answer_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  uint8_t action = take_u8();
  bool waits = outgoing.must_wait;

  CHECK(count == 1 && is_ours(fds->fd));
  CHECK(kernel.has_own[outgoing.host_fd] == (fds->fd != outgoing.host_fd));
  CHECK(fds->events == WV_SYS_POLL_WRITE);
  CHECK(!outgoing.time_is_up);
  if (waits)
    check_timeout(timeout);
  else
    CHECK(timeout == 0);
  fds->ready = 0;
  if (action % 8 == 7) {
    errno = EINTR;
    return -1;
  }
  if (action % 8 == 6) {
    kernel.now += timeout;
    outgoing.time_is_up =
        waits && outgoing.limit >= 0 && kernel.now >= outgoing.deadline;
    outgoing.must_wait = true;
    outgoing.error = EAGAIN;
    return 0;
  }
  outgoing.must_wait = false;
  if (action % 8 == 5) {
    errno = ENOMEM;
    if (!waits) outgoing.error = ENOMEM;
    return -1;
  }
  if (timeout > 1) kernel.now += timeout / 2;
  outgoing.ready = true;
  fds->ready = WV_SYS_POLL_WRITE;
  return 1;
}

size_t wv_sys_sure_room(int fd) {
  uint8_t pages = take_u8();

  CHECK(fd == outgoing.host_fd);
  outgoing.room = pages % 8 == 7   ? 1
                  : pages % 8 == 6 ? SIZE_MAX
                                   : 4096 * (size_t)(pages % 8 + 1);
  return outgoing.room;
}

static int answer_flags(int fd) {
  CHECK(fd == outgoing.host_fd);
  if (outgoing.bad_fd) return (int)failed(EBADF);
  return WV_SYS_WRITABLE;
}

/* Only for a file opened for the guest, after its first write. */
static int answer_fstat(int fd, wv_sys_stat *stat) {
  uint8_t which = take_u8() % 8;

  CHECK(fd == outgoing.host_fd);
  CHECK(outgoing.kind == WV_KIND_UNKNOWN && outgoing.learned == NOT_ASKED);
  CHECK(outgoing.writes == 1 && outgoing.offset < 0);
  CHECK(outgoing.error == EAGAIN || outgoing.out < expected.total);
  if (which == 7) {
    outgoing.learned = ASKED_IN_VAIN;
    errno = EIO;
    return -1;
  }
  outgoing.learned = founds[which].kind;
  put_found(&founds[which], stat);
  return 0;
}

static bool answer_is_terminal(int fd) {
  CHECK(fd == outgoing.host_fd);
  return outgoing.learned == WV_KIND_TERMINAL;
}

const struct answers write_answers = {
    .poll = answer_poll,
    .flags = answer_flags,
    .fstat = answer_fstat,
    .is_terminal = answer_is_terminal,
    .reopen = answer_reopen,
};

void begin_writes(const wv_fd *entry, int64_t offset, uint8_t options) {
  bool nonblock = entry != NULL && (entry->fdflags & WV_FDFLAGS_NONBLOCK) != 0;
  int64_t wait_timeout = guest.wait_timeout;

  outgoing.host_fd = entry == NULL ? -1 : entry->host_fd;
  outgoing.kind = entry == NULL ? WV_KIND_UNKNOWN : (wv_kind)entry->kind;
  outgoing.learned = NOT_ASKED;
  outgoing.offset = offset;
  outgoing.stream = entry != NULL && entry->kind != WV_KIND_FILE && offset < 0;
  outgoing.nonblocking =
      outgoing.stream && (nonblock || wait_timeout >= 0 || !guest.may_block);
  outgoing.limit = nonblock ? 0 : wait_timeout >= 0 ? wait_timeout * MS : -1;
  outgoing.deadline = -1;
  outgoing.bad_fd = options >> 1 == 1;
  outgoing.host_nonblock =
      (options & 1) != 0 || (entry != NULL && (kernel.owned[entry->host_fd] ||
                                               entry->kind == WV_KIND_DEVICE));
  kernel.now = 0;
  outgoing.writes = 0;
  outgoing.out = 0;
  outgoing.offered = 0;
  outgoing.took_none = false;
  outgoing.error = 0;
  outgoing.time_is_up = false;
  resume_writes();
}

void resume_writes(void) {
  kernel.slice_start = -1;
  outgoing.was_short = false;
  outgoing.must_wait = false;
  outgoing.ready = false;
  outgoing.room = 0;
}
