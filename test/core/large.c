/* More bytes than one system call moves: macOS refuses more than INT_MAX. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>

#include "check.h"
#include "sys.h"

#define GIB ((size_t)1 << 30)
#define MOST ((ssize_t)0x7ffff000)

/* The null device does not read what it is given. */
void test_large(void) {
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  uint8_t *bytes = mmap(NULL, 3 * GIB, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  struct iovec gibs[] = {{bytes, GIB}, {bytes, GIB}, {bytes, GIB}};
  struct iovec late[] = {{bytes, 0}, {bytes, 0}, {bytes, 3 * GIB}, {bytes, 1}};
  struct iovec fits[] = {{bytes, 0}, {bytes, INT_MAX - 5000}, {bytes, 7}};

  CHECK(bytes != MAP_FAILED);
  CHECK(wv_sys_write(null, bytes, 3 * GIB) == MOST);
  CHECK(wv_sys_pwrite(null, bytes, 3 * GIB, 5) == MOST);
  CHECK(wv_sys_pwritev(null, gibs, 3, 5) == (ssize_t)GIB);
  CHECK(wv_sys_pwritev(null, late, 4, 5) == MOST);
  CHECK(wv_sys_pwritev(null, fits, 3, 5) == INT_MAX - 4993);
#ifndef __linux__
  CHECK(wv_sys_writev(null, gibs, 3) == (ssize_t)GIB);
#endif
  CHECK(wv_sys_writev(null, late, 4) == MOST);
  munmap(bytes, 3 * GIB);
  close(null);
}
