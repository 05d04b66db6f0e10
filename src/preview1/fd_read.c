/* fd_read and fd_pread.
 *
 * One system call reads. A stream without data is waited for unless the guest
 * set NONBLOCK; the host's setting does not matter. */
#include <errno.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../stream.h"

/* A read from a file that the guest opened returned nothing. If it is a FIFO
 * that has had no writer yet, waits for one. */
static wv_errno wait_for_writer(wv_fd *entry, wv_wait *wait, bool *waited) {
  wv_errno error;

  *waited = false;
  if (wv_fd_learn_kind(entry) != WV_SUCCESS) return WV_SUCCESS;
  if (!(entry->flags & WV_FD_AWAITS_WRITER)) return WV_SUCCESS;
  if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return WV_SUCCESS;
  error = wv_wait_writer(wait, entry->host_fd);
  if (error != WV_SUCCESS) return error;
  entry->flags &= (uint8_t)~WV_FD_AWAITS_WRITER;
  *waited = true;
  return WV_SUCCESS;
}

/* Reads with one system call. An entry of unknown kind was opened by us,
 * non-blocking. */
static wv_errno read_list(wv_guest *guest, wv_fd *entry, const wv_batch *batch,
                          uint32_t *nread) {
  wv_wait *wait = wv_guest_wait(guest, -1);
  wv_errno error = WV_SUCCESS;
  bool again = true;
  ssize_t n = 0;

  while (again) {
    n = wv_stream_read(entry, batch);
    if (n > 0) break;
    if (n == 0) {
      error = wait_for_writer(entry, wait, &again);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return WV_EAGAIN;
      error = wv_wait_ready(wait, wv_stream_pollfd(entry), WV_SYS_POLL_READ);
    } else if (errno != EINTR) {
      error = wv_errno_from_host(errno);
    }
    if (error != WV_SUCCESS) return error;
  }
  *nread = (uint32_t)n;
  return WV_SUCCESS;
}

static wv_errno pread_list(const wv_fd *entry, const wv_batch *batch,
                           int64_t offset, uint32_t *nread) {
  ssize_t n;

  do n = wv_read_batch(entry->host_fd, batch, offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) return wv_errno_from_host(errno);
  *nread = (uint32_t)n;
  return WV_SUCCESS;
}

/* A read of no bytes only checks that the descriptor is open. */
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
  error = batch.total == 0 ? read_nothing(entry)
                           : read_list(guest, entry, &batch, &done);
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
