/* fd_write and fd_pwrite: the checks, and how each kind of target is written.
 *
 * A regular file gets one system call for one call of the guest, so that the
 * kernel's lock keeps a write whole among threads. A stream is written until
 * all is out, unless the guest asked for NONBLOCK or time is up. */
#include "fd_write.h"

#include <errno.h>
#include <stdlib.h>

#include "../calls.h"
#include "../capture.h"
#include "../errno_map.h"
#include "../stream.h"

/* A list of a guest, which is decoded again behind what a batch holds. */
typedef struct guest_list {
  uint32_t iovs;
  uint32_t iovs_len;
} guest_list;

static ssize_t pwrite_batch(const wv_fd *entry, const wv_batch *batch,
                            int64_t offset) {
  if (entry->fdflags & WV_FDFLAGS_APPEND)
    return wv_sys_pwritev_noappend(entry->host_fd, batch->iov,
                                   (int)batch->count, offset);
  return wv_pwrite_batch(entry->host_fd, batch, offset);
}

/* Nothing ends a write that blocks: only where no other thread could want to,
 * and no time is set. */
static bool may_block(const wv_guest *guest, const wv_fd *entry) {
  return guest->may_block && guest->wait_timeout < 0 &&
         !(entry->fdflags & WV_FDFLAGS_NONBLOCK);
}

/* There was no room. False: the call ends here. Any failure of the wait but
 * that time is up shows in the write that follows. */
static bool wait_for_room(const wv_fd *entry, wv_wait *wait, wv_errno *error) {
  *error = WV_EAGAIN;
  if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return false;
  *error = wv_wait_ready(wait, wv_stream_pollfd(entry), WV_SYS_POLL_WRITE);
  return *error != WV_EAGAIN && *error != WV_RESUME;
}

/* Writes a batch to a stream. wait->done counts what went out; an error after
 * the first byte is left for the next call to find. False: the call ends here.
 */
static bool write_stream_batch(const wv_guest *guest, wv_fd *entry,
                               wv_batch *batch, wv_wait *wait,
                               wv_errno *error) {
  ssize_t n;

  while (batch->bytes > 0) {
    n = may_block(guest, entry) ? wv_write_batch(entry->host_fd, batch)
                                : wv_stream_write(entry, batch);
    if (n > 0) {
      wait->done += (uint64_t)n;
      if ((uint64_t)n == batch->bytes) return true;
      wv_batch_advance(batch, (uint64_t)n);
      if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return false;
      *error = wv_wait_turn(wait);
      if (*error == WV_RESUME) return false;
    } else if (n == 0) {
      *error = WV_SUCCESS; /* of a try before */
      return false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for_room(entry, wait, error)) return false;
    } else if (errno != EINTR) {
      *error = wv_errno_from_host(errno);
      return false;
    }
  }
  return true;
}

/* What follows a batch that is out. Another thread may have changed the list
 * since the call began: then what is out is a short count. */
static bool next_batch(const wv_guest *guest, const guest_list *list,
                       wv_batch *batch, uint64_t done) {
  return batch->next < list->iovs_len &&
         wv_decode_next(&guest->memory, list->iovs, list->iovs_len,
                        guest->scratch, batch) == WV_SUCCESS &&
         done + batch->bytes <= UINT32_MAX;
}

/* `full`: there was no room just now. */
static wv_errno write_stream(wv_guest *guest, wv_fd *entry,
                             const guest_list *list, wv_batch *batch, bool full,
                             uint32_t *nwritten) {
  wv_wait *wait = wv_guest_wait(guest, guest->wait_timeout);
  wv_errno error = WV_SUCCESS;
  bool more = true;

  if (!guest->resumed) wait->done = *nwritten;
  if (wait->done > 0)
    more = wv_batch_skip(&guest->memory, list->iovs, list->iovs_len,
                         guest->scratch, batch, wait->done);
  if (full) more = wait_for_room(entry, wait, &error);
  while (more) {
    more = write_stream_batch(guest, entry, batch, wait, &error) &&
           next_batch(guest, list, batch, wait->done);
    if (more) error = wv_wait_turn(wait);
    if (error == WV_RESUME) more = false;
  }
  if (error == WV_RESUME) return error;
  *nwritten = (uint32_t)wait->done;
  return wait->done > 0 ? WV_SUCCESS : error;
}

static wv_errno write_file(const wv_fd *entry, const wv_batch *batch,
                           uint32_t *nwritten) {
  ssize_t n;

  do n = wv_write_batch(entry->host_fd, batch);
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

/* What may block, and the first write to a file that the guest opened: if it
 * goes out whole, there is nothing to wait for, and no kind to know. */
static wv_errno write_at_once(wv_guest *guest, wv_fd *entry,
                              const guest_list *list, wv_batch *batch,
                              uint32_t *nwritten) {
  wv_errno error = write_file(entry, batch, nwritten);

  if (error == WV_SUCCESS && *nwritten == batch->total) return error;
  if (error != WV_SUCCESS && error != WV_EAGAIN) return error;
  if (wv_fd_learn_kind(entry) != WV_SUCCESS || entry->kind == WV_KIND_FILE)
    return error;
  return *nwritten > 0 && (entry->fdflags & WV_FDFLAGS_NONBLOCK)
             ? WV_SUCCESS
             : write_stream(guest, entry, list, batch, error == WV_EAGAIN,
                            nwritten);
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
      return write_at_once(guest, entry, list, batch, nwritten);
    default:
      return may_block(guest, entry) && !guest->resumed
                 ? write_at_once(guest, entry, list, batch, nwritten)
                 : write_stream(guest, entry, list, batch, false, nwritten);
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

/* All that fits. */
static wv_errno write_capture(const wv_guest *guest, wv_fd *entry,
                              const guest_list *list, wv_batch *batch,
                              uint32_t *nwritten) {
  uint64_t done = 0;
  uint64_t taken;
  uint32_t i;

  do {
    for (i = 0; i < batch->count; i++) {
      taken = wv_capture_write(entry->capture, batch->iov[i].iov_base,
                               batch->iov[i].iov_len);
      done += taken;
      if (taken < batch->iov[i].iov_len) break;
    }
  } while (i == batch->count && next_batch(guest, list, batch, done));
  *nwritten = (uint32_t)done;
  return done > 0 || batch->total == 0 ? WV_SUCCESS : WV_ENOSPC;
}

/* The checks of fd_write. WV_DELIVER: what comes is for JS. */
static wv_errno prepare(wv_guest *guest, uint32_t fd, const guest_list *list,
                        uint32_t nwritten, wv_fd **entry, wv_batch *batch) {
  wv_errno error = wv_guest_fd(guest, fd, WV_RIGHTS_FD_WRITE, entry);

  if (error != WV_SUCCESS) return error;
  if ((*entry)->kind == WV_KIND_TARGET && (*entry)->capture == NULL) {
    guest->target = (uint32_t)(*entry)->host_fd;
    return WV_DELIVER;
  }
  return check(guest, list, nwritten, batch);
}

wv_errno wv_fd_write(wv_guest *guest, uint32_t fd, uint32_t iovs,
                     uint32_t iovs_len, uint32_t nwritten) {
  const guest_list list = {.iovs = iovs, .iovs_len = iovs_len};
  wv_batch batch;
  wv_fd *entry;
  uint32_t done = 0;
  wv_errno error = prepare(guest, fd, &list, nwritten, &entry, &batch);

  if ((error != WV_SUCCESS || batch.total == 0) &&
      wv_guest_has_done(guest, &done))
    return succeed(guest, nwritten, done);
  if (error != WV_SUCCESS) return error;
  error = entry->capture != NULL
              ? write_capture(guest, entry, &list, &batch, &done)
              : write_list(guest, entry, &list, &batch, &done);
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

wv_errno wv_write_buffered(wv_guest *guest, wv_fd *entry, uint8_t *buf,
                           uint64_t len, int64_t offset, uint64_t *done) {
  wv_wait *wait = wv_guest_wait(guest, guest->wait_timeout);
  wv_errno error = WV_SUCCESS;
  wv_batch batch;

  *done = 0;
  batch.count = 1;
  batch.bytes = batch.total = len;
  batch.iov[0] = (struct iovec){.iov_base = buf, .iov_len = (size_t)len};
  if (entry->kind == WV_KIND_FILE || offset >= 0)
    return write_whole_file(entry, &batch, offset, done);
  wait->done = 0; /* the buffer knows what came before */
  write_stream_batch(guest, entry, &batch, wait, &error);
  *done = wait->done;
  if (*done == len) return WV_SUCCESS;
  return error == WV_SUCCESS ? WV_EIO : error;
}
