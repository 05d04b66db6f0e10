/* The kernel's answers to reads. */
#include "reads_kernel.h"

#include <errno.h>
#include <string.h>

#include "iovec.h"

/* The most bytes compared, of one system call and of a whole call: a list can
 * name 4 GiB. */
#define GIVEN_MAX (1 << 16)
#define GIVEN_IN_ALL (1 << 20)

struct incoming incoming;

static ssize_t failed(int error) {
  incoming.error = errno = error;
  return -1;
}

int kind_of_incoming(void) {
  if (incoming.kind != WV_KIND_UNKNOWN) return (int)incoming.kind;
  return incoming.finds < FOUND_COUNT ? founds[incoming.finds].kind : -1;
}

bool is_anywhere(void) {
  return incoming.all && (incoming.shared || incoming.list_changed);
}

/* Puts a byte at the next place in the list. */
static void put_in_shadow(uint8_t byte) {
  const wv_iovec *element = &expected.elements[expected.at];
  const uint64_t at = (uint64_t)element->buf + expected.off;

  if (is_anywhere()) return;
  CHECK(expected.at < expected.count);
  if (at >= incoming.list && at < incoming.list_end)
    incoming.list_changed = true;
  shadow[at] = byte;
  if (++expected.off < element->buf_len) return;
  expected.at++;
  expected.off = 0;
}

static void skip_in_list(uint64_t bytes) {
  while (bytes > 0 && expected.at < expected.count) {
    const wv_iovec *element = &expected.elements[expected.at];
    uint64_t part = element->buf_len - expected.off;

    if (part > bytes) part = bytes;
    bytes -= part;
    expected.off += (uint32_t)part;
    if (expected.off < element->buf_len) return;
    expected.at++;
    expected.off = 0;
  }
}

static void fill(const struct iovec *iov, uint64_t bytes) {
  const struct expected start = {.at = expected.at, .off = expected.off};
  uint64_t i = 0;

  for (; bytes > 0; bytes--) {
    while (i == iov->iov_len) {
      iov++;
      i = 0;
    }
    ((uint8_t *)iov->iov_base)[i++] = incoming.next;
    put_in_shadow(incoming.next++);
  }
  if (!incoming.peek) return;
  expected.at = start.at;
  expected.off = start.off;
}

static void check_order(int fd, int64_t offset) {
  CHECK(host_fd_of(fd) == incoming.host_fd);
  CHECK(offset == incoming.offset);
  CHECK(incoming.error == 0 || incoming.error == EAGAIN); /* else it ends */
  CHECK(!incoming.must_wait); /* a loop that burns the CPU */
  CHECK(incoming.reads == 0 || incoming.all);
  /* No read may follow the end of a file, except on a FIFO that has had no
   * writer. */
  CHECK(!incoming.at_end || incoming.writer);
  /* A writer that always has more data must not prolong the slice. */
  CHECK(!incoming.was_short || !slice_is_over());
}

static uint64_t sum_of(const struct iovec *iov, int count) {
  uint64_t sum = 0;

  CHECK(count >= (incoming.reading != RECEIVE) && count <= WV_IOV_MAX);
  for (int i = 0; i < count; i++) {
    CHECK(iov[i].iov_len > 0);
    sum += iov[i].iov_len;
  }
  CHECK(sum <= WV_WRITE_MAX);
  CHECK(sum == expected.total - incoming.in || expected.count > WV_IOV_MAX ||
        expected.total > WV_WRITE_MAX || is_anywhere());
  return sum;
}

static ssize_t give(int fd, const struct iovec *iov, int count,
                    int64_t offset) {
  uint8_t action = take_u8();
  uint64_t given;

  check_order(fd, offset);
  incoming.ready = incoming.no_answer = false;
  if (incoming.shared) scribble(incoming.list);
  if (action % 8 == 7) {
    errno = EINTR;
    return -1;
  }
  incoming.offered = sum_of(iov, count);
  incoming.at_end = false;
  if (action % 8 == 5) {
    incoming.must_wait = true;
    return failed(EAGAIN);
  }
  if (action % 8 == 6) {
    int error = take_u8();

    return failed(error == 0 || error == EINTR || error == EAGAIN ? EIO
                                                                  : error);
  }
  given = incoming.offered;
  if (action % 8 == 4) given = take_u32() % (given + 1);
  if (action % 8 == 3) given = (given + 2) / 3;
  if (action % 8 == 2 || incoming.in > GIVEN_IN_ALL) given = 0;
  if (given > GIVEN_MAX) given = GIVEN_MAX;
  incoming.error = 0;
  incoming.at_end = given == 0;
  incoming.was_short = given > 0 && given < incoming.offered;
  incoming.reads += given > 0;
  incoming.in += given;
  kernel.now += (action >> 3) * MS; /* a read takes its time */
  fill(iov, given);
  return (ssize_t)given;
}

/* A descriptor without O_NONBLOCK may be read only after poll has found data.
 * Our own descriptors and devices never wait. */
static ssize_t read_blocking(int fd, const struct iovec *iov, int count) {
  CHECK(incoming.reading == READ);
  CHECK(kernel.has_own[incoming.host_fd] == (fd != incoming.host_fd));
  if (fd == incoming.host_fd && incoming.kind >= WV_KIND_TERMINAL &&
      !kernel.owned[fd])
    CHECK(incoming.ready);
  return give(fd, iov, count, -1);
}

ssize_t wv_sys_read(int fd, void *buf, size_t len) {
  struct iovec iov = {.iov_base = buf, .iov_len = len};

  return read_blocking(fd, &iov, 1);
}

ssize_t wv_sys_readv(int fd, const struct iovec *iov, int count) {
  return read_blocking(fd, iov, count);
}

ssize_t wv_sys_pread(int fd, void *buf, size_t len, int64_t offset) {
  struct iovec iov = {.iov_base = buf, .iov_len = len};

  return wv_sys_preadv(fd, &iov, 1, offset);
}

ssize_t wv_sys_preadv(int fd, const struct iovec *iov, int count,
                      int64_t offset) {
  CHECK(fd == incoming.host_fd && incoming.reading == PREAD && offset >= 0);
  return give(fd, iov, count, offset);
}

ssize_t wv_sys_recv(int fd, const struct iovec *iov, int count, int flags,
                    bool *truncated) {
  const int peek = incoming.peek ? WV_SYS_MSG_PEEK : 0;
  ssize_t n;

  CHECK(kind_of_incoming() == WV_KIND_SOCKET && incoming.reading != PREAD);
  CHECK(flags == (WV_SYS_MSG_DONTWAIT | peek));
  n = give(fd, iov, count, -1);
  *truncated = n >= 0 && (take_u8() & 1) != 0;
  incoming.truncated = *truncated;
  return n;
}

/* Never waits, or does not exist. */
ssize_t wv_sys_read_nowait(int fd, const struct iovec *iov, int count) {
  static const int no_answers[] = {EOPNOTSUPP, ENOSYS, EINVAL};
  uint8_t how = take_u8();
  ssize_t n;

  CHECK(fd == incoming.host_fd && !kernel.has_own[fd]);
  if (how % 4 == 3) {
    incoming.no_answer = true;
    errno = no_answers[how % 3];
    return -1;
  }
  n = give(fd, iov, count, -1);
  for (int i = 0; n < 0 && i < 3; i++) {
    if (errno != no_answers[i]) continue;
    incoming.no_answer = true;
    incoming.error = 0;
  }
  return n;
}

static int answer_reopen(int fd) {
  CHECK(fd == incoming.host_fd && incoming.reading == READ);
  CHECK(incoming.kind == WV_KIND_PIPE || incoming.kind == WV_KIND_TERMINAL);
  return open_own(fd);
}

/* Only for a FIFO opened for the guest, after a read without data. */
static bool looks_for_writer(void) {
  const wv_fd *entry = wv_fd_get(guest.fds, 0);

  for (uint32_t fd = 0; fd < guest.fds->size; fd++) {
    entry = wv_fd_get(guest.fds, fd);
    if (entry != NULL && entry->host_fd == incoming.host_fd) break;
  }
  return incoming.at_end && !incoming.nonblock &&
         (entry->flags & WV_FD_AWAITS_WRITER);
}

/* Asks for data before a read that must not wait; or waits, after a read
 * without data. */
static int answer_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  uint8_t action = take_u8();
  bool waits = incoming.must_wait || looks_for_writer();

  CHECK(count == 1 && host_fd_of(fds->fd) == incoming.host_fd);
  CHECK(kernel.has_own[incoming.host_fd] == (fds->fd != incoming.host_fd) ||
        incoming.reading == RECEIVE);
  CHECK(fds->events == WV_SYS_POLL_READ && incoming.reading != PREAD);
  CHECK(waits ? !incoming.nonblock : incoming.no_answer);
  CHECK(timeout == 0 || (waits && timeout > 0 && kernel.slice_start >= 0 &&
                         timeout <= kernel.slice_start + SLICE - kernel.now));
  fds->ready = 0;
  if (action % 8 == 7) {
    errno = EINTR;
    return -1;
  }
  if (action % 8 == 6) {
    kernel.now += timeout;
    if (!waits) failed(EAGAIN);
    if (!incoming.at_end) incoming.must_wait = true;
    return 0;
  }
  incoming.must_wait = false;
  if (action % 8 == 5) return (int)failed(ENOMEM);
  if (timeout > 1) kernel.now += timeout / 2;
  incoming.ready = true;
  if (waits && incoming.at_end) incoming.writer = true;
  fds->ready = WV_SYS_POLL_READ;
  return 1;
}

int wv_sys_pipe_state(int fd) {
  int state = 1 - take_u8() % 4;

  CHECK(fd == incoming.host_fd && looks_for_writer());
  if (state >= 0) incoming.writer = true;
  return state;
}

static int answer_flags(int fd) {
  CHECK(fd == incoming.host_fd && expected.total == 0);
  if (incoming.bad_fd) return (int)failed(EBADF);
  return WV_SYS_READABLE;
}

/* Only for a file opened for the guest, before a receive or after a read
 * without data. */
static int answer_fstat(int fd, wv_sys_stat *stat) {
  CHECK(fd == incoming.host_fd && incoming.kind == WV_KIND_UNKNOWN);
  CHECK(incoming.reading != PREAD);
  CHECK(incoming.reading == RECEIVE || incoming.at_end);
  incoming.asked = true;
  if (incoming.finds >= FOUND_COUNT) {
    errno = EIO;
    return -1;
  }
  put_found(&founds[incoming.finds], stat);
  return 0;
}

static bool answer_is_terminal(int fd) {
  CHECK(fd == incoming.host_fd && incoming.asked);
  return founds[incoming.finds].kind == WV_KIND_TERMINAL;
}

const struct answers read_answers = {
    .poll = answer_poll,
    .flags = answer_flags,
    .fstat = answer_fstat,
    .is_terminal = answer_is_terminal,
    .reopen = answer_reopen,
};

void begin_reads(const wv_fd *entry, reading call, uint8_t options) {
  memset(&incoming, 0, sizeof(incoming));
  incoming.reading = call;
  incoming.host_fd = entry == NULL ? -1 : entry->host_fd;
  incoming.kind = entry == NULL ? WV_KIND_UNKNOWN : (wv_kind)entry->kind;
  incoming.finds = take_u8() % (FOUND_COUNT + 1);
  incoming.offset = -1;
  incoming.nonblock =
      entry != NULL && (entry->fdflags & WV_FDFLAGS_NONBLOCK) != 0;
  incoming.bad_fd = options >> 1 == 1;
  incoming.next = 1;
  kernel.now = 0;
}

void resume_reads(void) {
  kernel.slice_start = -1;
  incoming.at_end = false;
  incoming.was_short = false;
  incoming.must_wait = false;
  incoming.ready = false;
  incoming.no_answer = false;
  skip_in_list(incoming.in);
}
