/* The kernel of the fuzzer: the functions of sys.h that the core needs to
 * write. */
#include "kernel.h"

#include <errno.h>
#include <string.h>

#include "iovec.h"
#include "sys.h"

#define COMPARED_MAX (1 << 16) /* of one system call: a list can name 4 GiB */
#define MS INT64_C(1000000)
#define SLICE (20 * MS)

const uint8_t *input;
size_t input_left;
struct expected expected;
struct kernel kernel;

uint8_t take_u8(void) {
  if (input_left == 0) return 0;
  input_left--;
  return *input++;
}

uint32_t take_u32(void) {
  uint32_t value = 0;

  for (int i = 0; i < 4; i++) value = value << 8 | take_u8();
  return value;
}

uint32_t take_word(uint64_t near) {
  uint8_t how = take_u8();

  switch (how & 3) {
    case 0:
      return how >> 2;
    case 1:
      return (uint32_t)(near - 8 + (how >> 2 & 15));
    case 2:
      return (uint32_t)take_u8() << 8 | take_u8();
    default:
      return take_u32();
  }
}

/* wasi_snapshot_preview1.witx. */

static const struct {
  int host;
  wv_errno wasi;
} errnos[] = {
    {E2BIG, 1},         {EACCES, 2},
    {EADDRINUSE, 3},    {EADDRNOTAVAIL, 4},
    {EAFNOSUPPORT, 5},  {EAGAIN, 6},
    {EALREADY, 7},      {EBADF, 8},
    {EBADMSG, 9},       {EBUSY, 10},
    {ECANCELED, 11},    {ECHILD, 12},
    {ECONNABORTED, 13}, {ECONNREFUSED, 14},
    {ECONNRESET, 15},   {EDEADLK, 16},
    {EDESTADDRREQ, 17}, {EDOM, 18},
    {EDQUOT, 19},       {EEXIST, 20},
    {EFAULT, 21},       {EFBIG, 22},
    {EHOSTUNREACH, 23}, {EIDRM, 24},
    {EILSEQ, 25},       {EINPROGRESS, 26},
    {EINTR, 27},        {EINVAL, 28},
    {EIO, 29},          {EISCONN, 30},
    {EISDIR, 31},       {ELOOP, 32},
    {EMFILE, 33},       {EMLINK, 34},
    {EMSGSIZE, 35},     {EMULTIHOP, 36},
    {ENAMETOOLONG, 37}, {ENETDOWN, 38},
    {ENETRESET, 39},    {ENETUNREACH, 40},
    {ENFILE, 41},       {ENOBUFS, 42},
    {ENODEV, 43},       {ENOENT, 44},
    {ENOEXEC, 45},      {ENOLCK, 46},
    {ENOLINK, 47},      {ENOMEM, 48},
    {ENOMSG, 49},       {ENOPROTOOPT, 50},
    {ENOSPC, 51},       {ENOSYS, 52},
    {ENOTCONN, 53},     {ENOTDIR, 54},
    {ENOTEMPTY, 55},    {ENOTRECOVERABLE, 56},
    {ENOTSOCK, 57},     {ENOTSUP, 58},
    {ENOTTY, 59},       {ENXIO, 60},
    {EOVERFLOW, 61},    {EOWNERDEAD, 62},
    {EPERM, 63},        {EPIPE, 64},
    {EPROTO, 65},       {EPROTONOSUPPORT, 66},
    {EPROTOTYPE, 67},   {ERANGE, 68},
    {EROFS, 69},        {ESPIPE, 70},
    {ESRCH, 71},        {ESTALE, 72},
    {ETIMEDOUT, 73},    {ETXTBSY, 74},
    {EXDEV, 75},
};

wv_errno namesake(int host) {
  for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
    if (errnos[i].host == host) return errnos[i].wasi;
  return 29; /* EIO */
}

/* Another thread writes into a shared memory at any time. */
static void scribble(void) {
  uint64_t at = take_u32() % (kernel.shared_size + 1);

  do {
    if (at == kernel.shared_size) break;
    kernel.shared[at] = take_u8();
  } while (++at % 16 != 0);
}

static ssize_t failed(int error) {
  kernel.error = errno = error;
  return -1;
}

/* The bytes that were taken are those that come next. */
static void compare(const uint8_t *buf, uint64_t len) {
  uint64_t left = COMPARED_MAX;

  while (len > 0) {
    const wv_iovec *element = &expected.elements[expected.at];
    uint64_t part = element->buf_len - expected.off;

    CHECK(expected.at < expected.count);
    if (part > len) part = len;
    if (part <= left) {
      CHECK(memcmp(buf, kernel.base + element->buf + expected.off, part) == 0);
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

/* Reads as a kernel does, from the first byte to the last. */
static void touch(const uint8_t *buf, uint64_t len) {
  static volatile uint8_t sum;

  for (uint64_t i = 0; i < len && i < COMPARED_MAX; i += 8)
    sum = (uint8_t)(sum + buf[i]);
  sum = (uint8_t)(sum + buf[len - 1]);
}

static bool is_target(int fd) {
  return fd == kernel.host_fd ||
         (fd == kernel.host_fd + OWN_FDS && kernel.has_own[kernel.host_fd]);
}

bool slice_is_over(void) {
  return kernel.slice_start >= 0 && kernel.now - kernel.slice_start >= SLICE;
}

static ssize_t take(int fd, const struct iovec *iov, int count,
                    int64_t offset) {
  uint8_t action = take_u8();
  uint64_t taken, left;
  int i;

  CHECK(is_target(fd));
  CHECK(count > 0 && count <= WV_IOV_MAX);
  /* What is drained goes on at the place behind the bytes that went out. */
  CHECK(offset ==
        (kernel.offset < 0 ? -1 : kernel.offset + (int64_t)kernel.out));
  CHECK(kernel.error == 0 || kernel.error == EAGAIN); /* else the call ends */
  CHECK(!kernel.must_wait); /* a loop that burns the CPU */
  /* A reader that always makes room ends the slice too. */
  CHECK(!kernel.stream || !kernel.was_short || !slice_is_over());
  kernel.ready = false;
  if (kernel.shared != NULL) scribble();
  if (action % 8 == 7) {
    errno = EINTR;
    return -1;
  }

  kernel.writes++;
  kernel.offered = 0;
  for (i = 0; i < count; i++) {
    CHECK(iov[i].iov_len > 0);
    kernel.offered += iov[i].iov_len;
  }
  CHECK(kernel.offered <= WV_WRITE_MAX);
  if (action % 8 >= 5) {
    int error = action % 8 == 5 ? EAGAIN : take_u8();

    if (error == 0 || error == EINTR) error = EIO;
    kernel.must_wait = error == EAGAIN;
    return failed(error);
  }

  kernel.error = 0;
  taken = kernel.offered;
  if (action % 8 == 4) taken = take_u32() % (taken + 1);
  if (action % 8 == 3) taken = (taken + 2) / 3;
  kernel.out += taken;
  kernel.took_none = taken == 0;
  kernel.was_short = taken > 0 && taken < kernel.offered;
  kernel.now += (action >> 3) * MS; /* a write takes its time */
  left = taken;
  for (i = 0; left > 0; i++) {
    uint64_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

    if (kernel.shared != NULL)
      touch(iov[i].iov_base, part);
    else
      compare(iov[i].iov_base, part);
    left -= part;
  }
  return (ssize_t)taken;
}

/* A descriptor without O_NONBLOCK takes without waiting what poll has found
 * room for, and no more. What is ours has it. */
static void check_may_block(int fd, uint64_t len) {
  if (fd != kernel.host_fd || !kernel.nonblocking || kernel.host_nonblock)
    return;
  CHECK(kernel.ready && len <= kernel.room);
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
  CHECK(kernel.kind == WV_KIND_SOCKET);
  return take(fd, iov, count, -1);
}

/* It waits for nothing, or there is no such call. */
ssize_t wv_sys_write_nowait(int fd, const struct iovec *iov, int count) {
  static const int no_answers[] = {EOPNOTSUPP, ENOSYS, EINVAL};
  uint8_t how = take_u8();
  ssize_t n;
  int i;

  CHECK(fd == kernel.host_fd && !kernel.has_own[fd] && kernel.nonblocking);
  if (how % 4 == 3) {
    errno = no_answers[how % 3];
    return -1;
  }
  n = take(fd, iov, count, -1);
  for (i = 0; n < 0 && i < 3; i++)
    if (kernel.error == no_answers[i]) {
      kernel.error = 0;
      kernel.writes--;
    }
  return n;
}

int wv_sys_reopen(int fd) {
  static const int errors[] = {ENXIO, EACCES, ENOENT, EMFILE};
  uint8_t how = take_u8();

  CHECK(fd == kernel.host_fd && kernel.nonblocking && !kernel.owned[fd]);
  CHECK(kernel.kind == WV_KIND_PIPE || kernel.kind == WV_KIND_TERMINAL);
  CHECK(!kernel.has_own[fd] && !kernel.no_own[fd]);
  if (how % 8 >= 4) {
    errno = errors[how % 8 - 4];
    kernel.no_own[fd] = errno != ENXIO && errno != EMFILE;
    return -1;
  }
  kernel.has_own[fd] = true;
  return OWN_FDS + fd;
}

/* The time that a wait may take: it starts with the first. */
static void check_timeout(int64_t timeout) {
  if (kernel.deadline < 0 && kernel.limit >= 0)
    kernel.deadline = kernel.now + kernel.limit;
  CHECK(kernel.slice_start >= 0);
  CHECK(timeout >= 0 && timeout <= kernel.slice_start + SLICE - kernel.now);
  CHECK(kernel.limit < 0 || timeout <= kernel.deadline - kernel.now);
}

/* Is there room, before a write that must not wait; or a wait, which a write
 * without room has before the next. */
int wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  uint8_t action = take_u8();
  bool waits = kernel.must_wait;

  CHECK(count == 1 && is_target(fds->fd));
  CHECK(kernel.has_own[kernel.host_fd] == (fds->fd != kernel.host_fd));
  CHECK(fds->events == WV_SYS_POLL_WRITE);
  CHECK(!kernel.time_is_up);
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
    kernel.time_is_up =
        waits && kernel.limit >= 0 && kernel.now >= kernel.deadline;
    kernel.must_wait = true;
    kernel.error = EAGAIN;
    return 0;
  }
  kernel.must_wait = false;
  if (action % 8 == 5) {
    errno = ENOMEM;
    if (!waits) kernel.error = ENOMEM;
    return -1;
  }
  if (timeout > 1) kernel.now += timeout / 2;
  kernel.ready = true;
  fds->ready = WV_SYS_POLL_WRITE;
  return 1;
}

size_t wv_sys_sure_room(int fd) {
  uint8_t pages = take_u8();

  CHECK(fd == kernel.host_fd);
  kernel.room = pages % 8 == 7   ? 1
                : pages % 8 == 6 ? SIZE_MAX
                                 : 4096 * (size_t)(pages % 8 + 1);
  return kernel.room;
}

int wv_sys_clock(uint32_t id, uint64_t *now) {
  CHECK(id == WV_CLOCK_MONOTONIC);
  if (kernel.slice_start < 0) kernel.slice_start = kernel.now;
  *now = (uint64_t)kernel.now;
  return 0;
}

int wv_sys_flags(int fd) {
  CHECK(fd == kernel.host_fd);
  if (kernel.bad_fd) return (int)failed(EBADF);
  return WV_SYS_WRITABLE | (kernel.host_nonblock ? WV_SYS_NONBLOCK : 0);
}

/* What was opened for the guest, asked for after a first write. */
int wv_sys_fstat(int fd, wv_sys_stat *stat) {
  static const struct {
    wv_kind kind;
    wv_filetype filetype;
    bool is_pipe;
  } files[] = {
      {WV_KIND_FILE, WV_FILETYPE_REGULAR_FILE, false},
      {WV_KIND_PIPE, WV_FILETYPE_SOCKET_STREAM, true},
      {WV_KIND_SOCKET, WV_FILETYPE_SOCKET_STREAM, false},
      {WV_KIND_DEVICE, WV_FILETYPE_CHARACTER_DEVICE, false},
      {WV_KIND_TERMINAL, WV_FILETYPE_CHARACTER_DEVICE, false},
      {WV_KIND_SOCKET, WV_FILETYPE_SOCKET_DGRAM, false},
      {WV_KIND_FILE, WV_FILETYPE_BLOCK_DEVICE, false},
  };
  uint8_t which = take_u8() % 8;

  CHECK(fd == kernel.host_fd);
  CHECK(kernel.kind == WV_KIND_UNKNOWN && kernel.learned == NOT_ASKED);
  CHECK(kernel.writes == 1 && kernel.offset < 0);
  CHECK(kernel.error == EAGAIN || kernel.out < expected.total);
  if (which == 7) {
    kernel.learned = ASKED_IN_VAIN;
    errno = EIO;
    return -1;
  }
  kernel.learned = files[which].kind;
  memset(stat, 0, sizeof(*stat));
  stat->filetype = files[which].filetype;
  stat->is_pipe = files[which].is_pipe;
  return 0;
}

bool wv_sys_is_terminal(int fd) {
  CHECK(fd == kernel.host_fd);
  return kernel.learned == WV_KIND_TERMINAL;
}

int wv_sys_close(int fd) {
  CHECK(fd >= 0 && fd < OWN_FDS + HOST_FDS);
  if (fd >= OWN_FDS) {
    CHECK(kernel.has_own[fd - OWN_FDS]);
    kernel.has_own[fd - OWN_FDS] = false;
    return 0;
  }
  CHECK(kernel.owned[fd] && !kernel.has_own[fd]);
  kernel.owned[fd] = false;
  return 0;
}

void reset_kernel(const wv_guest *guest, const wv_fd *entry, int64_t offset,
                  uint8_t options) {
  bool nonblock = entry != NULL && (entry->fdflags & WV_FDFLAGS_NONBLOCK) != 0;
  int64_t wait_timeout = guest->wait_timeout;

  kernel.host_fd = entry == NULL ? -1 : entry->host_fd;
  kernel.kind = entry == NULL ? WV_KIND_UNKNOWN : (wv_kind)entry->kind;
  kernel.learned = NOT_ASKED;
  kernel.offset = offset;
  kernel.stream = entry != NULL && entry->kind != WV_KIND_FILE && offset < 0;
  kernel.nonblocking =
      kernel.stream && (nonblock || wait_timeout >= 0 || !guest->may_block);
  kernel.limit = nonblock ? 0 : wait_timeout >= 0 ? wait_timeout * MS : -1;
  kernel.deadline = -1;
  kernel.bad_fd = options >> 1 == 1;
  kernel.host_nonblock =
      (options & 1) != 0 || (entry != NULL && (kernel.owned[entry->host_fd] ||
                                               entry->kind == WV_KIND_DEVICE));
  kernel.now = 0;
  kernel.writes = 0;
  kernel.out = 0;
  kernel.offered = 0;
  kernel.took_none = false;
  kernel.error = 0;
  kernel.time_is_up = false;
  resume_kernel();
}

void resume_kernel(void) {
  kernel.slice_start = -1;
  kernel.was_short = false;
  kernel.must_wait = false;
  kernel.ready = false;
  kernel.room = 0;
}
