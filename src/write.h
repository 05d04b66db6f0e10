/* Writes a guest's bytes to a file or a stream. */
#ifndef WV_WRITE_H
#define WV_WRITE_H

#include "guest.h"
#include "iovec.h"

/* A guest's list, kept to decode the part that a batch does not hold. */
typedef struct wv_list {
  uint32_t iovs;
  uint32_t iovs_len;
} wv_list;

/* Writes a list; `batch` holds its first buffers. A regular file gets one
 * system call; a stream is written until all bytes are out, NONBLOCK or a time
 * limit ends it. `*nwritten` is 0 before. WV_RESUME. */
wv_errno wv_write_list(wv_guest *guest, wv_fd *entry, const wv_list *list,
                       wv_batch *batch, uint32_t *nwritten);

/* Writes at an offset by one system call; append mode does not move it where
 * the system can (wv_sys_pwritev_noappend). */
wv_errno wv_pwrite_file(const wv_fd *entry, const wv_batch *batch,
                        int64_t offset, uint32_t *nwritten);

/* Checks a write of no bytes. EBADF: the host has closed the descriptor. */
wv_errno wv_write_nothing(const wv_fd *entry);

/* Decodes the part of a list after a batch; `done` bytes are out. False:
 * nothing is left, or another thread has made the list invalid. */
bool wv_next_batch(const wv_guest *guest, const wv_list *list, wv_batch *batch,
                   uint64_t done);

/* Writes `len` bytes from the guest's buffer, all of them if the file takes
 * all. A negative `offset` writes at the file's position. `*done` counts the
 * bytes, even on an error. WV_RESUME. */
wv_errno wv_write_out(wv_guest *guest, wv_fd *entry, uint8_t *buf, uint64_t len,
                      int64_t offset, uint64_t *done);

#endif
