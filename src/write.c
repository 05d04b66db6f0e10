/* fd_write and fd_pwrite: the checks, and how each kind of target is written.
 *
 * A regular file gets one system call for one call of the guest, so that the
 * kernel's lock keeps a write whole among threads. A stream is written until
 * all is out, unless the guest asked for NONBLOCK or time is up. */
#include "write.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "ciovec.h"
#include "errno_map.h"
#include "sys.h"

/* Up to so many bytes in all, and so many in a buffer on average, copying the
 * buffers together and write(2) is quicker than writev(2), which pays for each
 * of them. */
#define WV_GATHER_MAX 16384
#define WV_GATHER_MEAN 1024

typedef struct wv_wait {
  int64_t limit;    /* milliseconds, -1 for none */
  int64_t deadline; /* on the clock of wv_sys_now, once `started` */
  bool started;
} wv_wait;

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

  if (entry->flags & WV_FD_APPEND)
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
  uint8_t chunk[WV_GATHER_MAX];
  int flags = wv_sys_flags(entry->host_fd);
  int ready;
  size_t len;

  if (flags < 0) return -1;
  if (flags & WV_SYS_NONBLOCK) return write_batch(entry, batch);
  if (entry->kind == WV_KIND_SOCKET)
    return wv_sys_send_nowait(entry->host_fd, batch->iov, (int)batch->count);
  len = wv_sys_sure_room(entry->host_fd);
  if (len == SIZE_MAX) return write_batch(entry, batch);
  ready = wv_sys_wait_writable(entry->host_fd, 0);
  if (ready == 0) errno = EAGAIN;
  if (ready <= 0) return -1;
  if (len > sizeof(chunk)) len = sizeof(chunk);
  len = wv_batch_gather(batch, chunk, len);
  return wv_sys_write(entry->host_fd, chunk, len);
}

/* Waits for room in a full stream. False when time is up. */
static bool wait_for_room(const wv_fd *entry, wv_wait *wait) {
  int64_t left = -1;
  int ready;

  do {
    if (wait->limit >= 0) {
      if (!wait->started) {
        wait->started = true;
        wait->deadline = wv_sys_now() + wait->limit;
      }
      left = wait->deadline - wv_sys_now();
      if (left <= 0) return false;
      if (left > INT_MAX) left = INT_MAX;
    }
    ready = wv_sys_wait_writable(entry->host_fd, (int)left);
  } while (ready == 0 || (ready < 0 && errno == EINTR));
  /* Any other failure of poll shows in the write that follows. */
  return true;
}

/* Writes a batch to a stream. `*done` counts what went out; an error after the
 * first byte is left for the next call to find. False: the call ends here. */
static bool write_stream_batch(const wv_fd *entry, wv_batch *batch,
                               wv_wait *wait, uint64_t *done, int *error) {
  bool nonblock = (entry->flags & WV_FD_NONBLOCK) != 0;
  ssize_t n;

  while (batch->bytes > 0) {
    n = nonblock || wait->limit >= 0 ? write_batch_nowait(entry, batch)
                                     : write_batch(entry, batch);
    if (n > 0) {
      *done += (uint64_t)n;
      if ((uint64_t)n == batch->bytes) return true;
      wv_batch_advance(batch, (uint64_t)n);
      if (nonblock && batch->bytes > 0) return false;
    } else if (n == 0) {
      *error = 0; /* of a try before */
      return false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      *error = EAGAIN;
      if (nonblock || !wait_for_room(entry, wait)) return false;
    } else if (errno != EINTR) {
      *error = errno;
      return false;
    }
  }
  return true;
}

static wv_errno write_stream(wv_guest *guest, const wv_fd *entry,
                             const wv_call *call, wv_batch *batch,
                             uint32_t *nwritten) {
  wv_wait wait = {
      .limit = guest->wait_timeout, .deadline = 0, .started = false};
  uint64_t done = 0;
  int error = 0;

  while (write_stream_batch(entry, batch, &wait, &done, &error) &&
         batch->next < call->iovs_len) {
    /* More than a batch holds. Another thread may have changed the list: then
     * what is out is a short count. */
    if (wv_decode_next(&guest->memory, call->iovs, call->iovs_len,
                       guest->scratch, batch) != WV_SUCCESS ||
        done + batch->bytes > UINT32_MAX)
      break;
  }
  *nwritten = (uint32_t)done;
  return done > 0 || error == 0 ? WV_SUCCESS : wv_errno_from_host(error);
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

/* A write of no bytes makes no system call but this, so that a host descriptor
 * that is closed or only for reading is EBADF all the same. */
static wv_errno write_nothing(const wv_fd *entry) {
  int flags = wv_sys_flags(entry->host_fd);

  return flags >= 0 && (flags & WV_SYS_WRITABLE) ? WV_SUCCESS : WV_EBADF;
}

/* The checks that both calls share, in their order. */
static wv_errno check(wv_guest *guest, const wv_call *call, uint8_t rights,
                      wv_fd **entry, wv_batch *batch) {
  *entry = wv_fd_get(&guest->table, call->fd);
  if (*entry == NULL) return WV_NOT_MAPPED;
  if (((*entry)->flags & rights) != rights) return WV_ENOTCAPABLE;
  if (!wv_in_bounds(&guest->memory, call->nwritten, sizeof(uint32_t)))
    return WV_EFAULT;
  /* Without the scratch buffer a long list is a short count, no error. */
  if (call->iovs_len > WV_IOV_MAX && guest->scratch == NULL)
    guest->scratch = malloc(WV_SCRATCH_SIZE);
  return wv_decode(&guest->memory, call->iovs, call->iovs_len, guest->scratch,
                   batch);
}

static void succeed(wv_guest *guest, const wv_call *call, uint32_t nwritten) {
  wv_store_u32(guest->memory.base + call->nwritten, nwritten);
  guest->calls++;
  guest->bytes += nwritten;
}

wv_errno wv_fd_write(wv_guest *guest, const wv_call *call) {
  wv_batch batch;
  wv_fd *entry;
  uint32_t nwritten = 0;
  wv_errno error = check(guest, call, WV_FD_MAY_WRITE, &entry, &batch);

  if (error != WV_SUCCESS) return error;
  if (batch.total == 0)
    error = write_nothing(entry);
  else if (entry->kind == WV_KIND_FILE)
    error = write_file(entry, &batch, &nwritten);
  else
    error = write_stream(guest, entry, call, &batch, &nwritten);
  if (error == WV_SUCCESS) succeed(guest, call, nwritten);
  return error;
}

wv_errno wv_fd_pwrite(wv_guest *guest, const wv_call *call, uint64_t offset) {
  wv_batch batch;
  wv_fd *entry;
  uint32_t nwritten = 0;
  wv_errno error =
      check(guest, call, WV_FD_MAY_WRITE | WV_FD_MAY_SEEK, &entry, &batch);

  if (error != WV_SUCCESS) return error;
  if (offset > INT64_MAX) return WV_EINVAL;
  error = batch.total == 0
              ? write_nothing(entry)
              : pwrite_file(entry, &batch, (int64_t)offset, &nwritten);
  if (error == WV_SUCCESS) succeed(guest, call, nwritten);
  return error;
}

wv_errno wv_drain(wv_guest *guest, uint32_t fd, uint8_t *buf, uint64_t len,
                  int64_t offset, uint64_t *done) {
  wv_fd *entry = wv_fd_get(&guest->table, fd);
  wv_wait wait = {
      .limit = guest->wait_timeout, .deadline = 0, .started = false};
  wv_batch batch;
  wv_errno error;
  uint32_t n = 0;
  int host_error = 0;

  *done = 0;
  if (entry == NULL) return WV_NOT_MAPPED;
  batch.count = 1;
  batch.bytes = batch.total = len;
  batch.iov[0] = (struct iovec){.iov_base = buf, .iov_len = (size_t)len};
  if (entry->kind != WV_KIND_FILE && offset < 0) {
    write_stream_batch(entry, &batch, &wait, done, &host_error);
    if (*done == len) return WV_SUCCESS;
    return host_error == 0 ? WV_EIO : wv_errno_from_host(host_error);
  }
  while (*done < len) {
    error = offset < 0
                ? write_file(entry, &batch, &n)
                : pwrite_file(entry, &batch, offset + (int64_t)*done, &n);
    if (error != WV_SUCCESS) return error;
    if (n == 0) return WV_EIO; /* no room, and no reason given */
    *done += n;
    wv_batch_advance(&batch, n);
  }
  return WV_SUCCESS;
}

void wv_guest_free(wv_guest *guest) {
  wv_fd_table_free(&guest->table);
  free(guest->scratch);
  guest->scratch = NULL;
}
