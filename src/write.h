/* Bytes of a guest to what stands behind an entry. */
#ifndef WV_WRITE_H
#define WV_WRITE_H

#include "guest.h"
#include "iovec.h"

/* A list of a guest, which is decoded again behind what a batch holds. */
typedef struct wv_list {
  uint32_t iovs;
  uint32_t iovs_len;
} wv_list;

/* Writes a list, of which `batch` has the first buffers: a regular file by one
 * system call, a stream until all is out, unless the guest asked for NONBLOCK
 * or time is up. `*nwritten` is 0 before. WV_RESUME. */
wv_errno wv_write_list(wv_guest *guest, wv_fd *entry, const wv_list *list,
                       wv_batch *batch, uint32_t *nwritten);

/* The same at an offset, by one system call; append mode does not move it. */
wv_errno wv_pwrite_file(const wv_fd *entry, const wv_batch *batch,
                        int64_t offset, uint32_t *nwritten);

/* A write of no bytes. EBADF: the host has closed the descriptor. */
wv_errno wv_write_nothing(const wv_fd *entry);

/* The buffers of a list that come behind a batch, of which `done` bytes are out
 * by now. False: there are none, or they are no longer good. */
bool wv_next_batch(const wv_guest *guest, const wv_list *list, wv_batch *batch,
                   uint64_t done);

/* Writes `len` bytes of the host's own that a guest has left in a buffer, all
 * of them where the file takes all. `offset` is negative for a write where the
 * file stands. `*done` counts what went out, also when an error ended it.
 * WV_RESUME. */
wv_errno wv_write_out(wv_guest *guest, wv_fd *entry, uint8_t *buf, uint64_t len,
                      int64_t offset, uint64_t *done);

#endif
