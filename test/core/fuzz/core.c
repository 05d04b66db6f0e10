/* Fuzzing of the C core: calls of a guest over a kernel that does what the
 * input says.
 *
 * Guest memory is an allocation of its exact size, so that AddressSanitizer
 * sees an access one byte outside. The oracle is not the absence of a crash
 * alone: what went out must be the guest's buffers in their order, each byte
 * once, up to nwritten; the errno must be the one that write.h promises; and
 * nothing else in memory may change. */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ciovec.h"
#include "errno_map.h"
#include "sys.h"
#include "write.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                        \
    }                                                                 \
  } while (0)

enum {
  MEMORY_USUAL = 1 << 16,
  MEMORY_MAX = 1 << 21, /* of which a list can name more than 4 GiB */
  ELEMENTS_MAX = MEMORY_MAX / 8,
  CALLS_MAX = 4,
  COMPARED_MAX = 1 << 16, /* of one system call: a list can name 4 GiB */
};

/* The input. Zero where it has ended. */

static const uint8_t *input;
static size_t input_left;

static uint8_t take_u8(void) {
  if (input_left == 0) return 0;
  input_left--;
  return *input++;
}

static uint32_t take_u32(void) {
  uint32_t value = 0;

  for (int i = 0; i < 4; i++) value = value << 8 | take_u8();
  return value;
}

/* A pointer or a length: small, about `near`, or anything. */
static uint32_t take_word(uint64_t near) {
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

/* What WASI calls each errno of the host: wasi_snapshot_preview1.witx. */

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

static wv_errno namesake(int host) {
  for (size_t i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
    if (errnos[i].host == host) return errnos[i].wasi;
  return 29; /* EIO */
}

/* What a call should write: the elements that are not empty. */

static struct {
  uint64_t total;
  uint32_t count;
  uint32_t at;  /* the element that the next byte comes from */
  uint32_t off; /* and its place there */
  wv_ciovec elements[ELEMENTS_MAX];
} expected;

/* The kernel. */

static struct {
  const uint8_t *base; /* of the guest's memory, or of what is drained */
  uint8_t *shared;     /* memory that another thread rewrites, or NULL */
  uint64_t shared_size;
  int host_fd;
  int64_t offset;   /* that a pwrite must have, -1 for a write */
  bool nonblocking; /* no call may block */
  bool bad_fd;
  bool host_nonblock;
  int64_t now;
  bool must_wait;   /* there was no room, and no wait since */
  bool ready;       /* poll has said so since the last write */
  size_t room;      /* for so many bytes */
  int writes;       /* that were not interrupted */
  uint64_t out;     /* bytes that were taken */
  uint64_t offered; /* to the last write */
  bool took_none;   /* of that */
  int error;        /* of the last call but EINTR, 0 if it took bytes */
  bool owned[CALLS_MAX * 2]; /* copies that are open */
} kernel;

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
    const wv_ciovec *element = &expected.elements[expected.at];
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

static ssize_t take(int fd, const struct iovec *iov, int count,
                    int64_t offset) {
  uint8_t action = take_u8();
  uint64_t taken, left;
  int i;

  CHECK(fd == kernel.host_fd);
  CHECK(count > 0 && count <= WV_IOV_MAX);
  /* What is drained goes on at the place behind the bytes that went out. */
  CHECK(offset ==
        (kernel.offset < 0 ? -1 : kernel.offset + (int64_t)kernel.out));
  CHECK(kernel.error == 0 || kernel.error == EAGAIN); /* else the call ends */
  CHECK(!kernel.must_wait); /* a loop that burns the CPU */
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
 * room for, and no more. */
static void check_may_block(uint64_t len) {
  if (kernel.nonblocking && !kernel.host_nonblock)
    CHECK(kernel.room == SIZE_MAX || (kernel.ready && len <= kernel.room));
}

ssize_t wv_sys_write(int fd, const void *buf, size_t len) {
  struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};

  check_may_block(len);
  return take(fd, &iov, 1, -1);
}

ssize_t wv_sys_writev(int fd, const struct iovec *iov, int count) {
  uint64_t len = 0;

  for (int i = 0; i < count; i++) len += iov[i].iov_len;
  check_may_block(len);
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

ssize_t wv_sys_send_nowait(int fd, const struct iovec *iov, int count) {
  return take(fd, iov, count, -1);
}

int wv_sys_wait_writable(int fd, int timeout) {
  uint8_t action = take_u8();

  CHECK(fd == kernel.host_fd);
  CHECK(timeout == 0 || kernel.must_wait);
  CHECK(timeout >= 0 || !kernel.nonblocking);
  if (action % 8 == 7) {
    errno = EINTR;
    return -1;
  }
  if (action % 8 == 6 && timeout >= 0) {
    kernel.now += timeout;
    if (timeout == 0) kernel.must_wait = true;
    kernel.error = EAGAIN;
    return 0;
  }
  kernel.must_wait = false;
  if (action % 8 == 5) {
    /* With a write to come, that is left to it. */
    errno = ENOMEM;
    if (timeout == 0) kernel.error = ENOMEM;
    return -1;
  }
  if (timeout > 1) kernel.now += timeout / 2;
  kernel.ready = true;
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

int64_t wv_sys_now(void) {
  return kernel.now;
}

int wv_sys_flags(int fd) {
  CHECK(fd == kernel.host_fd);
  if (kernel.bad_fd) return (int)failed(EBADF);
  return WV_SYS_WRITABLE | (kernel.host_nonblock ? WV_SYS_NONBLOCK : 0);
}

void wv_sys_close(int fd) {
  CHECK(fd >= 0 && fd < CALLS_MAX * 2);
  CHECK(kernel.owned[fd]);
  kernel.owned[fd] = false;
}

/* The oracle. */

/* The checks of write.h, in their order, and what there is to write. */
static wv_errno check_arguments(const wv_memory *memory, const wv_fd *entry,
                                const wv_call *call, const uint64_t *offset) {
  uint8_t rights =
      offset == NULL ? WV_FD_MAY_WRITE : WV_FD_MAY_WRITE | WV_FD_MAY_SEEK;
  uint64_t i;

  memset(&expected, 0, offsetof(__typeof__(expected), elements));
  if (entry == NULL) return WV_NOT_MAPPED;
  if ((entry->flags & rights) != rights) return WV_ENOTCAPABLE;
  if ((uint64_t)call->nwritten + 4 > memory->size) return WV_EFAULT;
  if ((uint64_t)call->iovs + (uint64_t)call->iovs_len * 8 > memory->size)
    return WV_EFAULT;
  for (i = 0; i < call->iovs_len; i++) {
    const uint8_t *at = memory->base + call->iovs + i * 8;
    uint32_t buf = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
    uint32_t len = at[4] | at[5] << 8 | at[6] << 16 | (uint32_t)at[7] << 24;

    if (len == 0) continue;
    if ((uint64_t)buf + len > memory->size) return WV_EFAULT;
    expected.elements[expected.count++] =
        (wv_ciovec){.buf = buf, .buf_len = len};
    expected.total += len;
  }
  if (expected.total > UINT32_MAX) return WV_EINVAL;
  if (offset != NULL && *offset > INT64_MAX) return WV_EINVAL;
  return WV_SUCCESS;
}

/* Whether one system call may be offered less than all. */
static bool may_be_cut(void) {
  return expected.count > WV_IOV_MAX || expected.total > WV_WRITE_MAX;
}

static void check_outcome(wv_errno error, const wv_fd *entry, bool positioned,
                          uint32_t nwritten) {
  bool once = positioned || entry->kind == WV_KIND_FILE;

  if (expected.total == 0) {
    CHECK(error == (kernel.bad_fd ? WV_EBADF : WV_SUCCESS));
    CHECK(kernel.writes == 0);
  } else if (once) {
    CHECK(kernel.writes == 1);
    CHECK(kernel.offered == expected.total || may_be_cut());
    CHECK(error == (kernel.error == 0 ? WV_SUCCESS : namesake(kernel.error)));
  } else if (kernel.out > 0) {
    CHECK(error == WV_SUCCESS);
    /* All, but for a reason to stop: an error, a write that took nothing, or a
     * guest that does not want to wait. */
    CHECK(kernel.out == expected.total || kernel.error != 0 ||
          kernel.took_none || entry->flags & WV_FD_NONBLOCK);
  } else {
    CHECK(error == (kernel.error == 0 ? WV_SUCCESS : namesake(kernel.error)));
  }
  if (error == WV_SUCCESS) CHECK(nwritten == kernel.out);
}

/* The input's calls. */

static wv_guest guest;
static int owned_count;

/* MEMORY_MAX bytes that tell where they come from. */
static const uint8_t *pattern(void) {
  static uint8_t bytes[MEMORY_MAX];
  uint32_t i;

  if (bytes[1] == 0)
    for (i = 0; i < MEMORY_MAX; i++)
      bytes[i] = (uint8_t)(i * 2654435761u >> 24);
  return bytes;
}

static void reset_kernel(int host_fd, uint8_t options) {
  kernel.host_fd = host_fd;
  kernel.offset = -1;
  kernel.nonblocking = false;
  kernel.host_nonblock = (options & 1) != 0;
  kernel.bad_fd = options >> 1 == 1;
  kernel.must_wait = false;
  kernel.ready = false;
  kernel.writes = 0;
  kernel.out = 0;
  kernel.offered = 0;
  kernel.took_none = false;
  kernel.error = 0;
}

/* Some elements of the input, over and over until the list is full. */
static void put_list(const wv_memory *memory, const wv_call *call) {
  uint8_t list[16 * 8];
  uint32_t count = 1 + take_u8() % 16;
  uint32_t buf = 0, len = 0;
  uint64_t at;

  for (uint32_t i = 0; i < count; i++) {
    uint8_t how = take_u8();

    buf = how & 1 ? buf + len : take_word(memory->size); /* touches the last */
    len = how & 2 ? take_u8() : take_word(memory->size - buf);
    wv_store_u32(list + i * 8, buf);
    wv_store_u32(list + i * 8 + 4, len);
  }
  for (at = 0; at < (uint64_t)call->iovs_len * 8; at++) {
    if (call->iovs + at >= memory->size) break;
    memory->base[call->iovs + at] = list[at % (count * 8)];
  }
}

static void set_entry(void) {
  uint8_t what = take_u8();
  uint32_t fd = what >> 6;
  wv_fd entry = {.host_fd = owned_count, .kind = 1 + what % 3};
  wv_errno error;

  /* A table for the highest would take most of the time. */
  if (take_u8() > 250) fd = take_word(WV_GUEST_FD_LIMIT);
  if (fd < WV_GUEST_FD_LIMIT) fd %= 1024;
  entry.flags = take_u8() & (WV_FD_MAY_WRITE | WV_FD_MAY_SEEK | WV_FD_NONBLOCK |
                             WV_FD_APPEND | WV_FD_OWNED);
  if (what & 32) {
    wv_fd_clear(&guest.table, fd);
    CHECK(wv_fd_get(&guest.table, fd) == NULL);
    return;
  }
  kernel.owned[owned_count] = (entry.flags & WV_FD_OWNED) != 0;
  error = wv_fd_set(&guest.table, fd, entry);
  CHECK(error == (fd < WV_GUEST_FD_LIMIT ? WV_SUCCESS : WV_EBADF));
  if (error != WV_SUCCESS) kernel.owned[owned_count] = false;
  owned_count++;
}

static void write_call(void) {
  wv_memory *memory = &guest.memory;
  uint8_t options = take_u8();
  bool positioned = (options & 1) != 0;
  bool shared = (options & 2) != 0;
  wv_call call = {.fd = take_u8() & 3};
  uint64_t offset = positioned ? (uint64_t)take_u32() << 32 | take_u32() : 0;
  uint64_t calls = guest.calls, bytes = guest.bytes;
  const wv_fd *entry;
  uint8_t *before;
  uint32_t nwritten = 0;
  wv_errno wanted, error;

  call.iovs_len = take_word(memory->size / 8);
  call.iovs = take_word(memory->size - (uint64_t)call.iovs_len * 8);
  call.nwritten = take_word(memory->size);
  put_list(memory, &call);
  entry = wv_fd_get(&guest.table, call.fd);
  wanted = check_arguments(memory, entry, &call, positioned ? &offset : NULL);
  reset_kernel(entry == NULL ? -1 : entry->host_fd, options >> 4);
  kernel.base = memory->base;
  kernel.shared = shared ? memory->base : NULL;
  kernel.shared_size = memory->size;
  if (positioned) kernel.offset = (int64_t)offset;
  kernel.nonblocking =
      entry != NULL && entry->kind != WV_KIND_FILE && !positioned &&
      (entry->flags & WV_FD_NONBLOCK || guest.wait_timeout >= 0);

  before = malloc(memory->size);
  memcpy(before, memory->base, memory->size);
  error = positioned ? wv_fd_pwrite(&guest, &call, offset)
                     : wv_fd_write(&guest, &call);
  if (error == WV_SUCCESS) {
    const uint8_t *at = memory->base + call.nwritten;

    nwritten = at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
    wv_store_u32(before + call.nwritten, nwritten);
  }
  if (!shared) CHECK(memcmp(before, memory->base, memory->size) == 0);
  free(before);

  CHECK(guest.calls == calls + (error == WV_SUCCESS));
  CHECK(guest.bytes == bytes + (error == WV_SUCCESS ? kernel.out : 0));
  if (wanted != WV_SUCCESS) {
    CHECK(error == wanted);
    CHECK(kernel.writes == 0);
  } else if (shared) {
    CHECK(kernel.out <= UINT32_MAX);
    CHECK(error != WV_SUCCESS || nwritten == kernel.out);
  } else {
    check_outcome(error, entry, positioned, nwritten);
  }
}

static void drain_call(void) {
  uint32_t len = take_word(4096) % 8192;
  uint8_t options = take_u8();
  uint32_t fd = take_u8() & 3;
  int64_t offset = options & 1 ? (int64_t)take_u32() : -1;
  const wv_fd *entry = wv_fd_get(&guest.table, fd);
  uint8_t *buf = malloc(len);
  uint64_t done = 0;
  wv_errno error;

  memcpy(buf, pattern(), len);
  expected.elements[0] = (wv_ciovec){.buf = 0, .buf_len = len};
  expected.count = 1;
  expected.at = expected.off = 0;
  reset_kernel(entry == NULL ? -1 : entry->host_fd, options >> 4);
  kernel.offset = offset;
  kernel.base = buf;
  kernel.shared = NULL;
  error = wv_drain(&guest, fd, buf, len, offset, &done);
  free(buf);
  if (entry == NULL) {
    CHECK(error == WV_NOT_MAPPED);
    return;
  }
  CHECK(done == kernel.out);
  CHECK((error == WV_SUCCESS) == (done == len));
}

static void check_errnos(void) {
  static bool checked;
  int host;

  for (host = 1; !checked && host < 256; host++)
    CHECK(wv_errno_from_host(host) == namesake(host));
  checked = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  wv_memory *memory = &guest.memory;
  uint64_t i;

  check_errnos();
  input = data;
  input_left = size;
  memset(&guest, 0, sizeof(guest));
  memset(&kernel, 0, sizeof(kernel));
  owned_count = 0;
  memory->size = take_u8() == 255
                     ? MEMORY_MAX
                     : take_word(MEMORY_USUAL) % (MEMORY_USUAL + 1);
  memory->base = malloc(memory->size);
  memcpy(memory->base, pattern(), memory->size);
  guest.wait_timeout = (int)(take_u8() % 4) - 1;
  if (guest.wait_timeout > 0) guest.wait_timeout = take_u8();

  for (i = 0; i < CALLS_MAX && input_left > 0; i++) {
    set_entry();
    if (take_u8() & 1) set_entry();
    if (take_u8() % 4 == 0)
      drain_call();
    else
      write_call();
  }

  wv_guest_free(&guest);
  for (i = 0; i < sizeof(kernel.owned) / sizeof(bool); i++)
    CHECK(!kernel.owned[i]);
  free(memory->base);
  return 0;
}
