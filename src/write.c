/* Writes a guest's bytes to a file or a stream.
 *
 * A regular file gets one system call for each call of the guest: the kernel's
 * lock keeps concurrent writes apart. */
#include "write.h"

#include <errno.h>

#include "errno_map.h"
#include "stream.h"

static ssize_t pwrite_batch(const wv_fd *entry, const wv_batch *batch,
                            int64_t offset) {
  if (entry->fdflags & WV_FDFLAGS_APPEND)
    return wv_sys_pwritev_noappend(entry->host_fd, batch->iov,
                                   (int)batch->count, offset);
  return wv_pwrite_batch(entry->host_fd, batch, offset);
}

/* Nothing can end a write that blocks. So it may block only on the main thread,
 * without a time limit or NONBLOCK. */
static bool may_block(const wv_guest *guest, const wv_fd *entry) {
  return guest->may_block && guest->wait_timeout < 0 &&
         !(entry->fdflags & WV_FDFLAGS_NONBLOCK);
}

/* Waits for room. False: the call ends here. If the wait fails other than by
 * its time limit, the next write shows why. */
static bool wait_for_room(const wv_fd *entry, wv_wait *wait, wv_errno *error) {
  *error = WV_EAGAIN;
  if (entry->fdflags & WV_FDFLAGS_NONBLOCK) return false;
  *error = wv_wait_ready(wait, wv_stream_pollfd(entry), WV_SYS_POLL_WRITE);
  return *error != WV_EAGAIN && *error != WV_RESUME;
}

/* Writes a batch to a stream; wait->done counts the bytes. An error after the
 * first byte is left to the next call. False: the call ends here. */
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
      *error = WV_SUCCESS; /* clears the error of an earlier try */
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

/* Decodes the part of the list after the batch. If another thread has changed
 * the list, the bytes already written are a short count. */
bool wv_next_batch(const wv_guest *guest, const wv_list *list, wv_batch *batch,
                   uint64_t done) {
  return batch->next < list->iovs_len &&
         wv_decode_next(&guest->memory, list->iovs, list->iovs_len,
                        guest->scratch, batch) == WV_SUCCESS &&
         done + batch->bytes <= UINT32_MAX;
}

/* `full`: the stream had no room just now. */
static wv_errno write_stream(wv_guest *guest, wv_fd *entry, const wv_list *list,
                             wv_batch *batch, bool full, uint32_t *nwritten) {
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
           wv_next_batch(guest, list, batch, wait->done);
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

wv_errno wv_pwrite_file(const wv_fd *entry, const wv_batch *batch,
                        int64_t offset, uint32_t *nwritten) {
  ssize_t n;

  do n = pwrite_batch(entry, batch, offset);
  while (n < 0 && errno == EINTR);
  if (n < 0) return wv_errno_from_host(errno);
  *nwritten = (uint32_t)n;
  return WV_SUCCESS;
}

/* A stream that may block, or the first write to a file that the guest opened.
 * If all bytes go out at once, nothing needs to wait, or to know the kind. */
static wv_errno write_at_once(wv_guest *guest, wv_fd *entry,
                              const wv_list *list, wv_batch *batch,
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

wv_errno wv_write_nothing(const wv_fd *entry) {
  return wv_sys_flags(entry->host_fd) < 0 ? WV_EBADF : WV_SUCCESS;
}

wv_errno wv_write_list(wv_guest *guest, wv_fd *entry, const wv_list *list,
                       wv_batch *batch, uint32_t *nwritten) {
  if (batch->total == 0) return wv_write_nothing(entry);
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

/* Writes all bytes, if the file or device has room. */
static wv_errno write_whole_file(const wv_fd *entry, wv_batch *batch,
                                 int64_t offset, uint64_t *done) {
  wv_errno error;
  uint32_t n = 0;

  while (batch->bytes > 0) {
    error = offset < 0
                ? write_file(entry, batch, &n)
                : wv_pwrite_file(entry, batch, offset + (int64_t)*done, &n);
    if (error != WV_SUCCESS) return error;
    if (n == 0) return WV_EIO; /* no room, and the system gave no reason */
    *done += n;
    wv_batch_advance(batch, n);
  }
  return WV_SUCCESS;
}

wv_errno wv_write_out(wv_guest *guest, wv_fd *entry, uint8_t *buf, uint64_t len,
                      int64_t offset, uint64_t *done) {
  wv_wait *wait = wv_guest_wait(guest, guest->wait_timeout);
  wv_errno error = WV_SUCCESS;
  wv_batch batch;

  *done = 0;
  batch.count = 1;
  batch.bytes = batch.total = len;
  batch.iov[0] = (struct iovec){.iov_base = buf, .iov_len = (size_t)len};
  if (entry->kind == WV_KIND_FILE || offset >= 0)
    return write_whole_file(entry, &batch, offset, done);
  wait->done = 0; /* the bytes of earlier calls are counted in the buffer */
  write_stream_batch(guest, entry, &batch, wait, &error);
  *done = wait->done;
  if (*done == len) return WV_SUCCESS;
  return error == WV_SUCCESS ? WV_EIO : error;
}
