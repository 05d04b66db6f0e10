/* Writing what was buffered. fd_write and fd_pwrite stand in calls.h.
 *
 * Nothing is written before all checks have passed, in this order: fd (EBADF),
 * ESPIPE of fd_pwrite, rights (ENOTCAPABLE), nwritten pointer, list and buffers
 * (EFAULT), sum of the lengths and offset (EINVAL). Then what write(2) says,
 * translated. Memory behind nwritten is touched only on success. A write to a
 * target is WV_DELIVER, with no check of a pointer: JS makes those.
 * Source: WASI preview1 witx, write(2). */
#ifndef WV_FD_WRITE_H
#define WV_FD_WRITE_H

#include "../guest.h"

/* Writes `len` bytes of the host's own that a guest has left in a buffer, all
 * of them where the file takes all. `offset` is negative for a write where the
 * file stands. `*done` counts what went out, also when an error ended it.
 * WV_RESUME. */
wv_errno wv_write_buffered(wv_guest *guest, wv_fd *entry, uint8_t *buf,
                           uint64_t len, int64_t offset, uint64_t *done);

#endif
