/* Wraps the system calls of the core: the linker redirects functions of sys.h
 * to these (--wrap), which call those of sys_posix.
 *
 * AddressSanitizer does not see system calls made by number, so their arguments
 * are checked here. */
#define _GNU_SOURCE
#include <errno.h>

#include "whole.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
void *__asan_region_is_poisoned(void *begin, size_t size);
#else
static void *__asan_region_is_poisoned(void *begin, size_t size) {
  (void)begin, (void)size;
  return NULL;
}
#endif

/* No guest has this program's own streams. Numbers of targets are as low, and
 * must not reach the system. */
#define CHECK_NUMBER(fd) CHECK((fd) > 2)

#define FILE_MAX (1u << 20)

bool unlimited;

static void check_bytes(const void *bytes, size_t len) {
  if (len > 0 && __asan_region_is_poisoned((void *)bytes, len) != NULL)
    fail(__FILE__, __LINE__, "a system call over %zu bytes that are not there",
         len);
}

static void check_list(const struct iovec *iov, int count) {
  int i;

  CHECK(count >= 0 && count <= 1024);
  check_bytes(iov, (size_t)count * sizeof(*iov));
  for (i = 0; i < count; i++) check_bytes(iov[i].iov_base, iov[i].iov_len);
}

/* EFAULT is a bad address that AddressSanitizer does not know. */
static ssize_t checked(ssize_t result) {
  CHECK(result >= 0 || errno != EFAULT);
  return result;
}

#define WRAP_BYTES(name, type, parameters, arguments) \
  ssize_t __real_wv_sys_##name parameters;            \
  ssize_t __wrap_wv_sys_##name parameters;            \
  ssize_t __wrap_wv_sys_##name parameters {           \
    CHECK_NUMBER(fd);                                 \
    check_bytes(buf, len);                            \
    return checked(__real_wv_sys_##name arguments);   \
  }

#define WRAP_LIST(name, parameters, arguments)      \
  ssize_t __real_wv_sys_##name parameters;          \
  ssize_t __wrap_wv_sys_##name parameters;          \
  ssize_t __wrap_wv_sys_##name parameters {         \
    CHECK_NUMBER(fd);                               \
    check_list(iov, count);                         \
    return checked(__real_wv_sys_##name arguments); \
  }

WRAP_BYTES(read, void, (int fd, void *buf, size_t len), (fd, buf, len))
WRAP_BYTES(write, const void, (int fd, const void *buf, size_t len),
           (fd, buf, len))
WRAP_BYTES(pread, void, (int fd, void *buf, size_t len, int64_t offset),
           (fd, buf, len, offset))
WRAP_BYTES(pwrite, const void,
           (int fd, const void *buf, size_t len, int64_t offset),
           (fd, buf, len, offset))
WRAP_LIST(readv, (int fd, const struct iovec *iov, int count), (fd, iov, count))
WRAP_LIST(writev, (int fd, const struct iovec *iov, int count),
          (fd, iov, count))
WRAP_LIST(preadv, (int fd, const struct iovec *iov, int count, int64_t offset),
          (fd, iov, count, offset))
WRAP_LIST(pwritev, (int fd, const struct iovec *iov, int count, int64_t offset),
          (fd, iov, count, offset))
WRAP_LIST(pwritev_noappend,
          (int fd, const struct iovec *iov, int count, int64_t offset),
          (fd, iov, count, offset))
WRAP_LIST(write_nowait, (int fd, const struct iovec *iov, int count),
          (fd, iov, count))
WRAP_LIST(read_nowait, (int fd, const struct iovec *iov, int count),
          (fd, iov, count))
WRAP_LIST(send, (int fd, const struct iovec *iov, int count, int flags),
          (fd, iov, count, flags))
WRAP_LIST(recv,
          (int fd, const struct iovec *iov, int count, int flags,
           bool *truncated),
          (fd, iov, count, flags, truncated))

int __real_wv_sys_random(void *buf, size_t len);
int __wrap_wv_sys_random(void *buf, size_t len);
int __wrap_wv_sys_random(void *buf, size_t len) {
  check_bytes(buf, len);
  return __real_wv_sys_random(buf, len);
}

/* Allocated blocks of a file take memory. */
int __real_wv_sys_allocate(int fd, uint64_t offset, uint64_t len);
int __wrap_wv_sys_allocate(int fd, uint64_t offset, uint64_t len);
int __wrap_wv_sys_allocate(int fd, uint64_t offset, uint64_t len) {
  if (unlimited && len > FILE_MAX) len = FILE_MAX;
  return __real_wv_sys_allocate(fd, offset, len);
}

int __real_wv_sys_clock(uint32_t id, uint64_t *time);
int __wrap_wv_sys_clock(uint32_t id, uint64_t *time);
int __wrap_wv_sys_clock(uint32_t id, uint64_t *time) {
  static _Atomic uint64_t begun[2];
  uint64_t first = 0;
  int result = __real_wv_sys_clock(id, time);

  if (result < 0 || id > WV_CLOCK_MONOTONIC) return result;
  if (atomic_compare_exchange_strong(&begun[id], &first, *time)) return result;
  /* Another thread may have called it first, at a later time. */
  if (*time > first) *time = first + (*time - first) * SPEED;
  return result;
}

int __real_wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout);
int __wrap_wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout);
int __wrap_wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  check_bytes(fds, count * sizeof(*fds));
  /* Nothing would end a poll without a limit. */
  CHECK(timeout >= 0 && timeout <= 20000000);
  return __real_wv_sys_poll(fds, count, timeout / SPEED + (timeout > 0));
}

/* With a shared table another thread may run between two lookups. */
wv_fd *__real_wv_guest_hold(wv_guest *guest, uint32_t fd);
wv_fd *__wrap_wv_guest_hold(wv_guest *guest, uint32_t fd);
wv_fd *__wrap_wv_guest_hold(wv_guest *guest, uint32_t fd) {
  static _Atomic uint32_t looks;

  if (atomic_fetch_add(&looks, 1) % 4 == 0) wv_sys_yield();
  return __real_wv_guest_hold(guest, fd);
}
