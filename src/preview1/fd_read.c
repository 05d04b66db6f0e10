/* fd_read and fd_pread.
 *
 * One system call. A stream without data is waited for, unless the guest asked
 * for NONBLOCK: whether the host did does not matter. */
#include <errno.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../iovec.h"
#include "../sys.h"
#include "../wait.h"

/* Up to so many bytes, one read(2) and copies out of the stack are quicker than
 * readv(2), which pays for each buffer. */
#define SCATTER_MAX 4096

static void scatter(const wv_batch *batch, const uint8_t *from, size_t len) {
  size_t part;
  uint32_t i;

  for (i = 0; len > 0; i++) {
    part = batch->iov[i].iov_len < len ? batch->iov[i].iov_len : len;
    memcpy(batch->iov[i].iov_base, from, part);
    from += part;
    len -= part;
  }
}

/* `offset` is negative for a read where the file stands. */
static ssize_t read_batch(int host_fd, const wv_batch *batch, int64_t offset) {
  uint8_t scattered[SCATTER_MAX];
  const bool single = batch->count == 1;
  const bool copied = !single && batch->bytes <= SCATTER_MAX;
  void *to = copied ? scattered : batch->iov[0].iov_base;
  size_t len = (size_t)batch->bytes;
  ssize_t n;

  if (!single && !copied)
    return offset < 0
               ? wv_sys_readv(host_fd, batch->iov, (int)batch->count)
               : wv_sys_preadv(host_fd, batch->iov, (int)batch->count, offset);
  n = offset < 0 ? wv_sys_read(host_fd, to, len)
                 : wv_sys_pread(host_fd, to, len, offset);
  if (copied && n > 0) scatter(batch, scattered, (size_t)n);
  return n;
}

static ssize_t read_batch_nowait(const wv_fd *entry, const wv_batch *batch) {
  wv_sys_pollfd data = {.fd = entry->host_fd, .events = WV_SYS_POLL_READ};
  int ready = wv_sys_poll(&data, 1, 0);

  if (ready == 0) errno = EAGAIN;
  return ready <= 0 ? -1 : read_batch(entry->host_fd, batch, -1);
}

/* Nothing was read from a file that the guest opened. Is it a FIFO that has had
 * no writer yet? Then there is one now. */
static bool has_waited_for_writer(wv_fd *entry, wv_wait *wait) {
  if (wv_fd_learn_kind(entry) != WV_SUCCESS) return false;
  if (!(entry->flags & WV_FD_AWAITS_WRITER)) return false;
  if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return false;
  entry->flags &= (uint8_t)~WV_FD_AWAITS_WRITER;
  return wv_wait_writer(wait, entry->host_fd) == WV_SUCCESS;
}

/* A file of ours is opened non-blocking, and answers at once. */
static bool must_poll(const wv_fd *entry) {
  return (entry->fdflags & WV_FDFLAGS_NONBLOCK) &&
         entry->kind >= WV_KIND_TERMINAL;
}

static wv_errno read_list(wv_fd *entry, const wv_batch *batch,
                          uint32_t *nread) {
  wv_wait wait = wv_wait_limit(-1);
  wv_errno error;
  ssize_t n;

  for (;;) {
    n = must_poll(entry) ? read_batch_nowait(entry, batch)
                         : read_batch(entry->host_fd, batch, -1);
    if (n > 0 || (n == 0 && !has_waited_for_writer(entry, &wait))) break;
    if (n == 0 || errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK)
      return wv_errno_from_host(errno);
    if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return WV_EAGAIN;
    error = wv_wait_ready(&wait, entry->host_fd, WV_SYS_POLL_READ);
    if (error != WV_SUCCESS) return error;
  }
  *nread = (uint32_t)n;
  return WV_SUCCESS;
}

static wv_errno pread_list(const wv_fd *entry, const wv_batch *batch,
                           int64_t offset, uint32_t *nread) {
  ssize_t n;

  do n = read_batch(entry->host_fd, batch, offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) return wv_errno_from_host(errno);
  *nread = (uint32_t)n;
  return WV_SUCCESS;
}

/* No bytes wanted: only whether the descriptor is still open. */
static wv_errno read_nothing(const wv_fd *entry) {
  return wv_sys_flags(entry->host_fd) < 0 ? WV_EBADF : WV_SUCCESS;
}

static wv_errno check(const wv_guest *guest, uint32_t iovs, uint32_t iovs_len,
                      uint32_t nread, wv_batch *batch) {
  if (!wv_in_bounds(&guest->memory, nread, sizeof(uint32_t))) return WV_EFAULT;
  return wv_decode(&guest->memory, iovs, iovs_len, NULL, batch);
}

wv_errno wv_fd_read(wv_guest *guest, uint32_t fd, uint32_t iovs,
                    uint32_t iovs_len, uint32_t nread) {
  wv_batch batch;
  wv_fd *entry;
  uint32_t done = 0;
  wv_errno error = wv_guest_fd(guest, fd, WV_RIGHTS_FD_READ, &entry);

  if (error != WV_SUCCESS) return error;
  error = check(guest, iovs, iovs_len, nread, &batch);
  if (error != WV_SUCCESS) return error;
  error =
      batch.total == 0 ? read_nothing(entry) : read_list(entry, &batch, &done);
  if (error == WV_SUCCESS) wv_store_u32(guest->memory.base + nread, done);
  return error;
}

wv_errno wv_fd_pread(wv_guest *guest, uint32_t fd, uint32_t iovs,
                     uint32_t iovs_len, uint64_t offset, uint32_t nread) {
  wv_batch batch;
  wv_fd *entry;
  uint32_t done = 0;
  wv_errno error = wv_guest_seekable(
      guest, fd, WV_RIGHTS_FD_READ | WV_RIGHTS_FD_SEEK, &entry);

  if (error != WV_SUCCESS) return error;
  error = check(guest, iovs, iovs_len, nread, &batch);
  if (error != WV_SUCCESS) return error;
  if (offset > INT64_MAX) return WV_EINVAL;
  error = batch.total == 0 ? read_nothing(entry)
                           : pread_list(entry, &batch, (int64_t)offset, &done);
  if (error == WV_SUCCESS) wv_store_u32(guest->memory.base + nread, done);
  return error;
}
