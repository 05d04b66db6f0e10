/* fd_write and fd_pwrite: the checks, and how each kind of target is written.
 *
 * A regular file gets one system call for one call of the guest, so that the
 * kernel's lock keeps a write whole among threads. A stream is written until
 * all is out, unless the guest asked for NONBLOCK or time is up. */
#include "fd_write.h"

#include <errno.h>
#include <stdlib.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../iovec.h"
#include "../sys.h"
#include "../wait.h"

/* Up to so many bytes in all, and so many in a buffer on average, copying the
 * buffers together and write(2) is quicker than writev(2), which pays for each
 * of them. */
#define WV_GATHER_MAX 16384
#define WV_GATHER_MEAN 1024

/* A list of a guest, which is decoded again behind what a batch holds. */
typedef struct guest_list {
  uint32_t iovs;
  uint32_t iovs_len;
} guest_list;

static bool is_gathered(const wv_batch *batch) {
  return batch->bytes <= WV_GATHER_MAX &&
         batch->bytes <= (uint64_t)batch->count * WV_GATHER_MEAN;
}

static ssize_t write_batch(const wv_fd *entry, const wv_batch *batch) {
  uint8_t gathered[WV_GATHER_MAX];
  size_t len;

  if (batch->count == 1)
    return wv_sys_write(entry->host_fd, batch->iov[0].iov_base,
                        batch->iov[0].iov_len);
  if (is_gathered(batch)) {
    len = wv_batch_gather(batch, gathered, sizeof(gathered));
    return wv_sys_write(entry->host_fd, gathered, len);
  }
  return wv_sys_writev(entry->host_fd, batch->iov, (int)batch->count);
}

static ssize_t pwrite_batch(const wv_fd *entry, const wv_batch *batch,
                            int64_t offset) {
  uint8_t gathered[WV_GATHER_MAX];
  size_t len;

  if (entry->fdflags & WV_FDFLAGS_APPEND)
    return wv_sys_pwritev_noappend(entry->host_fd, batch->iov,
                                   (int)batch->count, offset);
  if (batch->count == 1)
    return wv_sys_pwrite(entry->host_fd, batch->iov[0].iov_base,
                         batch->iov[0].iov_len, offset);
  if (is_gathered(batch)) {
    len = wv_batch_gather(batch, gathered, sizeof(gathered));
    return wv_sys_pwrite(entry->host_fd, gathered, len, offset);
  }
  return wv_sys_pwritev(entry->host_fd, batch->iov, (int)batch->count, offset);
}

/* Writes what goes out at once. O_NONBLOCK belongs to the open file description
 * that other programs share, so it is not set here: where it is clear, poll(2)
 * comes first and no more is written than then has room. */
static ssize_t write_batch_nowait(const wv_fd *entry, const wv_batch *batch) {
  wv_sys_pollfd room = {.fd = entry->host_fd, .events = WV_SYS_POLL_WRITE};
  uint8_t chunk[WV_GATHER_MAX];
  int flags = wv_sys_flags(entry->host_fd);
  int ready;
  size_t len;

  if (flags < 0) return -1;
  if (flags & WV_SYS_NONBLOCK) return write_batch(entry, batch);
  if (entry->kind == WV_KIND_SOCKET)
    return wv_sys_send(entry->host_fd, batch->iov, (int)batch->count,
                       WV_SYS_MSG_DONTWAIT);
  len = wv_sys_sure_room(entry->host_fd);
  if (len == SIZE_MAX) return write_batch(entry, batch);
  ready = wv_sys_poll(&room, 1, 0);
  if (ready == 0) errno = EAGAIN;
  if (ready <= 0) return -1;
  if (len > sizeof(chunk)) len = sizeof(chunk);
  len = wv_batch_gather(batch, chunk, len);
  return wv_sys_write(entry->host_fd, chunk, len);
}

/* Writes a batch to a stream. `*done` counts what went out; an error after the
 * first byte is left for the next call to find. False: the call ends here. */
static bool write_stream_batch(const wv_fd *entry, wv_batch *batch,
                               wv_wait *wait, uint64_t *done, wv_errno *error) {
  bool nonblock = (entry->fdflags & WV_FDFLAGS_NONBLOCK) != 0;
  ssize_t n;

  while (batch->bytes > 0) {
    n = nonblock || wait->limit >= 0 ? write_batch_nowait(entry, batch)
                                     : write_batch(entry, batch);
    if (n > 0) {
      *done += (uint64_t)n;
      if ((uint64_t)n == batch->bytes) return true;
      wv_batch_advance(batch, (uint64_t)n);
      if (nonblock) return false;
    } else if (n == 0) {
      *error = WV_SUCCESS; /* of a try before */
      return false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      *error = WV_EAGAIN;
      /* Any other failure of the wait shows in the write that follows. */
      if (nonblock ||
          wv_wait_ready(wait, entry->host_fd, WV_SYS_POLL_WRITE) == WV_EAGAIN)
        return false;
    } else if (errno != EINTR) {
      *error = wv_errno_from_host(errno);
      return false;
    }
  }
  return true;
}

static wv_errno write_stream(wv_guest *guest, const wv_fd *entry,
                             const guest_list *list, wv_batch *batch,
                             uint32_t *nwritten) {
  wv_wait wait = wv_wait_limit(guest->wait_timeout);
  wv_errno error = WV_SUCCESS;
  uint64_t done = *nwritten;

  while (write_stream_batch(entry, batch, &wait, &done, &error) &&
         batch->next < list->iovs_len) {
    /* More than a batch holds. Another thread may have changed the list: then
     * what is out is a short count. */
    if (wv_decode_next(&guest->memory, list->iovs, list->iovs_len,
                       guest->scratch, batch) != WV_SUCCESS ||
        done + batch->bytes > UINT32_MAX)
      break;
  }
  *nwritten = (uint32_t)done;
  return done > 0 ? WV_SUCCESS : error;
}

static wv_errno write_file(const wv_fd *entry, const wv_batch *batch,
                           uint32_t *nwritten) {
  ssize_t n;

  do n = write_batch(entry, batch);
  while (n < 0 && errno == EINTR);
  if (n < 0) return wv_errno_from_host(errno);
  *nwritten = (uint32_t)n;
  return WV_SUCCESS;
}

static wv_errno pwrite_file(const wv_fd *entry, const wv_batch *batch,
                            int64_t offset, uint32_t *nwritten) {
  ssize_t n;

  do n = pwrite_batch(entry, batch, offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) return wv_errno_from_host(errno);
  *nwritten = (uint32_t)n;
  return WV_SUCCESS;
}

/* The first write to a file that the guest opened: if it goes out whole, its
 * kind need not be known. */
static wv_errno write_unknown(wv_guest *guest, wv_fd *entry,
                              const guest_list *list, wv_batch *batch,
                              uint32_t *nwritten) {
  wv_errno error = write_file(entry, batch, nwritten);

  if (error == WV_SUCCESS && *nwritten == batch->total) return error;
  if (error != WV_SUCCESS && error != WV_EAGAIN) return error;
  if (wv_fd_learn_kind(entry) != WV_SUCCESS || entry->kind == WV_KIND_FILE)
    return error;
  wv_batch_advance(batch, *nwritten);
  return *nwritten > 0 && (entry->fdflags & WV_FDFLAGS_NONBLOCK)
             ? WV_SUCCESS
             : write_stream(guest, entry, list, batch, nwritten);
}

/* A write of no bytes makes no system call but this, so that a host descriptor
 * that is closed is EBADF all the same. */
static wv_errno write_nothing(const wv_fd *entry) {
  return wv_sys_flags(entry->host_fd) < 0 ? WV_EBADF : WV_SUCCESS;
}

static wv_errno write_list(wv_guest *guest, wv_fd *entry,
                           const guest_list *list, wv_batch *batch,
                           uint32_t *nwritten) {
  if (batch->total == 0) return write_nothing(entry);
  switch ((wv_kind)entry->kind) {
    case WV_KIND_FILE:
      return write_file(entry, batch, nwritten);
    case WV_KIND_UNKNOWN:
      return write_unknown(guest, entry, list, batch, nwritten);
    default:
      return write_stream(guest, entry, list, batch, nwritten);
  }
}

/* The pointers and lengths of both calls. */
static wv_errno check(wv_guest *guest, const guest_list *list,
                      uint32_t nwritten, wv_batch *batch) {
  if (!wv_in_bounds(&guest->memory, nwritten, sizeof(uint32_t)))
    return WV_EFAULT;
  /* Without the scratch buffer a long list is a short count, no error. */
  if (list->iovs_len > WV_IOV_MAX && guest->scratch == NULL)
    guest->scratch = malloc(WV_SCRATCH_SIZE);
  return wv_decode(&guest->memory, list->iovs, list->iovs_len, guest->scratch,
                   batch);
}

static wv_errno succeed(wv_guest *guest, uint32_t at, uint32_t nwritten) {
  wv_store_u32(guest->memory.base + at, nwritten);
  guest->calls++;
  guest->bytes += nwritten;
  return WV_SUCCESS;
}

wv_errno wv_fd_write(wv_guest *guest, uint32_t fd, uint32_t iovs,
                     uint32_t iovs_len, uint32_t nwritten) {
  const guest_list list = {.iovs = iovs, .iovs_len = iovs_len};
  wv_batch batch;
  wv_fd *entry;
  uint32_t done = 0;
  wv_errno error = wv_guest_fd(guest, fd, WV_RIGHTS_FD_WRITE, &entry);

  if (error != WV_SUCCESS) return error;
  if (entry->kind == WV_KIND_TARGET) {
    guest->target = (uint32_t)entry->host_fd;
    return WV_DELIVER;
  }
  error = check(guest, &list, nwritten, &batch);
  if (error == WV_SUCCESS)
    error = write_list(guest, entry, &list, &batch, &done);
  return error == WV_SUCCESS ? succeed(guest, nwritten, done) : error;
}

wv_errno wv_fd_pwrite(wv_guest *guest, uint32_t fd, uint32_t iovs,
                      uint32_t iovs_len, uint64_t offset, uint32_t nwritten) {
  const guest_list list = {.iovs = iovs, .iovs_len = iovs_len};
  wv_batch batch;
  wv_fd *entry;
  uint32_t done = 0;
  wv_errno error = wv_guest_seekable(
      guest, fd, WV_RIGHTS_FD_WRITE | WV_RIGHTS_FD_SEEK, &entry);

  if (error != WV_SUCCESS) return error;
  error = check(guest, &list, nwritten, &batch);
  if (error != WV_SUCCESS) return error;
  if (offset > INT64_MAX) return WV_EINVAL;
  error = batch.total == 0 ? write_nothing(entry)
                           : pwrite_file(entry, &batch, (int64_t)offset, &done);
  return error == WV_SUCCESS ? succeed(guest, nwritten, done) : error;
}

/* All of it, where the file or device has room. */
static wv_errno write_whole_file(const wv_fd *entry, wv_batch *batch,
                                 int64_t offset, uint64_t *done) {
  wv_errno error;
  uint32_t n = 0;

  while (batch->bytes > 0) {
    error = offset < 0 ? write_file(entry, batch, &n)
                       : pwrite_file(entry, batch, offset + (int64_t)*done, &n);
    if (error != WV_SUCCESS) return error;
    if (n == 0) return WV_EIO; /* no room, and no reason given */
    *done += n;
    wv_batch_advance(batch, n);
  }
  return WV_SUCCESS;
}

wv_errno wv_write_buffered(wv_guest *guest, uint32_t fd, uint8_t *buf,
                           uint64_t len, int64_t offset, uint64_t *done) {
  wv_wait wait = wv_wait_limit(guest->wait_timeout);
  wv_fd *entry = wv_fd_get(&guest->fds, fd);
  wv_errno error = WV_SUCCESS;
  wv_batch batch;

  *done = 0;
  if (entry == NULL) return WV_EBADF;
  batch.count = 1;
  batch.bytes = batch.total = len;
  batch.iov[0] = (struct iovec){.iov_base = buf, .iov_len = (size_t)len};
  if (entry->kind == WV_KIND_FILE || offset >= 0)
    return write_whole_file(entry, &batch, offset, done);
  write_stream_batch(entry, &batch, &wait, done, &error);
  if (*done == len) return WV_SUCCESS;
  return error == WV_SUCCESS ? WV_EIO : error;
}
