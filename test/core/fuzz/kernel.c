/* The kernel of the fuzzer: its descriptors and time, and the dispatch to a
 * subject's answers. */
#include "kernel.h"

#include <errno.h>
#include <string.h>

#include "fd_table.h"

struct kernel kernel;

const struct found founds[FOUND_COUNT] = {
    {WV_KIND_FILE, WV_FILETYPE_REGULAR_FILE, false},
    {WV_KIND_PIPE, WV_FILETYPE_SOCKET_STREAM, true},
    {WV_KIND_SOCKET, WV_FILETYPE_SOCKET_STREAM, false},
    {WV_KIND_DEVICE, WV_FILETYPE_CHARACTER_DEVICE, false},
    {WV_KIND_TERMINAL, WV_FILETYPE_CHARACTER_DEVICE, false},
    {WV_KIND_SOCKET, WV_FILETYPE_SOCKET_DGRAM, false},
    {WV_KIND_FILE, WV_FILETYPE_BLOCK_DEVICE, false},
    {WV_KIND_DIRECTORY, WV_FILETYPE_DIRECTORY, false},
};

void put_found(const struct found *found, wv_sys_stat *stat) {
  memset(stat, 0, sizeof(*stat));
  stat->filetype = found->filetype;
  stat->is_pipe = found->is_pipe;
}

void begin_kernel(const struct answers *answers) {
  memset(&kernel, 0, sizeof(kernel));
  kernel.answers = answers;
}

void check_all_closed(void) {
  for (int i = 0; i < HOST_FDS; i++)
    CHECK(!kernel.owned[i] && !kernel.has_own[i]);
}

bool slice_is_over(void) {
  return kernel.slice_start >= 0 && kernel.now - kernel.slice_start >= SLICE;
}

int host_fd_of(int fd) {
  if (fd < OWN_FDS) return fd;
  CHECK(kernel.has_own[fd - OWN_FDS]);
  return fd - OWN_FDS;
}

int open_own(int fd) {
  static const int errors[] = {ENXIO, EACCES, ENOENT, EMFILE};
  uint8_t how = take_u8();

  CHECK(!kernel.owned[fd] && !kernel.has_own[fd] && !kernel.no_own[fd]);
  if (how % 8 >= 4) {
    errno = errors[how % 8 - 4];
    kernel.no_own[fd] = errno != ENXIO && errno != EMFILE;
    return -1;
  }
  kernel.has_own[fd] = true;
  return OWN_FDS + fd;
}

static int monotonic(uint32_t id, uint64_t *now) {
  CHECK(id == WV_CLOCK_MONOTONIC);
  if (kernel.slice_start < 0) kernel.slice_start = kernel.now;
  *now = (uint64_t)kernel.now;
  return 0;
}

static int close_descriptor(int fd) {
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

int wv_sys_poll(wv_sys_pollfd *fds, uint32_t count, int64_t timeout) {
  CHECK(kernel.answers->poll != NULL);
  return kernel.answers->poll(fds, count, timeout);
}

int wv_sys_clock(uint32_t id, uint64_t *now) {
  return kernel.answers->clock == NULL ? monotonic(id, now)
                                       : kernel.answers->clock(id, now);
}

int wv_sys_flags(int fd) {
  CHECK(kernel.answers->flags != NULL);
  return kernel.answers->flags(fd);
}

int wv_sys_fstat(int fd, wv_sys_stat *stat) {
  CHECK(kernel.answers->fstat != NULL);
  return kernel.answers->fstat(fd, stat);
}

bool wv_sys_is_terminal(int fd) {
  CHECK(kernel.answers->is_terminal != NULL);
  return kernel.answers->is_terminal(fd);
}

int wv_sys_reopen(int fd) {
  CHECK(kernel.answers->reopen != NULL);
  return kernel.answers->reopen(fd);
}

int wv_sys_close(int fd) {
  return kernel.answers->close == NULL ? close_descriptor(fd)
                                       : kernel.answers->close(fd);
}
