/* fd_write and fd_pwrite: their checks, and writes to a capture.
 *
 * All checks come before the first byte, in this order: fd (EBADF), ESPIPE of
 * fd_pwrite, rights (ENOTCAPABLE), nwritten pointer, list and buffers (EFAULT),
 * sum of the lengths and offset (EINVAL). Then the errno of write(2). nwritten
 * is stored only on success. For a target of JS, which checks the pointers,
 * WV_DELIVER. Source: WASI preview1 witx, write(2). */
#include <stdlib.h>

#include "../calls.h"
#include "../capture.h"
#include "../write.h"

/* Checks the pointers and lengths of either call. */
static wv_errno check(wv_guest *guest, const wv_list *list, uint32_t nwritten,
                      wv_batch *batch) {
  if (!wv_in_bounds(&guest->memory, nwritten, sizeof(uint32_t)))
    return WV_EFAULT;
  /* Without the scratch buffer a long list gets a short count. */
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

/* Writes as much as fits. */
static wv_errno write_capture(const wv_guest *guest, wv_fd *entry,
                              const wv_list *list, wv_batch *batch,
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
  } while (i == batch->count && wv_next_batch(guest, list, batch, done));
  *nwritten = (uint32_t)done;
  return done > 0 || batch->total == 0 ? WV_SUCCESS : WV_ENOSPC;
}

/* The checks of fd_write. WV_DELIVER: the target is in JS. */
static wv_errno prepare(wv_guest *guest, uint32_t fd, const wv_list *list,
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
  const wv_list list = {.iovs = iovs, .iovs_len = iovs_len};
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
              : wv_write_list(guest, entry, &list, &batch, &done);
  return error == WV_SUCCESS ? succeed(guest, nwritten, done) : error;
}

wv_errno wv_fd_pwrite(wv_guest *guest, uint32_t fd, uint32_t iovs,
                      uint32_t iovs_len, uint64_t offset, uint32_t nwritten) {
  const wv_list list = {.iovs = iovs, .iovs_len = iovs_len};
  wv_batch batch;
  wv_fd *entry;
  uint32_t done = 0;
  wv_errno error = wv_guest_seekable(
      guest, fd, WV_RIGHTS_FD_WRITE | WV_RIGHTS_FD_SEEK, &entry);

  if (error != WV_SUCCESS) return error;
  error = check(guest, &list, nwritten, &batch);
  if (error != WV_SUCCESS) return error;
  if (offset > INT64_MAX) return WV_EINVAL;
  error = batch.total == 0
              ? wv_write_nothing(entry)
              : wv_pwrite_file(entry, &batch, (int64_t)offset, &done);
  return error == WV_SUCCESS ? succeed(guest, nwritten, done) : error;
}
