/* fd_write and fd_pwrite. */
#ifndef WV_WRITE_H
#define WV_WRITE_H

#include "fd_table.h"
#include "memory.h"

/* Not an errno of WASI: the guest fd is not in the table. */
#define WV_NOT_MAPPED ((wv_errno)0xffff)

/* All that a guest has here. Zero but for wait_timeout when it starts. */
typedef struct wv_guest {
  wv_memory memory;
  wv_fd_table table;
  int64_t wait_timeout; /* milliseconds on a full stream, -1 for no limit */
  uint8_t *scratch;     /* WV_SCRATCH_SIZE bytes, or NULL until it is needed */
  uint64_t calls;       /* that succeeded */
  uint64_t bytes;       /* that they wrote */
} wv_guest;

/* The arguments that both calls have, as the guest gave them. */
typedef struct wv_call {
  uint32_t fd;
  uint32_t iovs;
  uint32_t iovs_len;
  uint32_t nwritten;
} wv_call;

/* Writes the guest's buffers and stores the number of bytes at call->nwritten.
 *
 * The checks come in this order, and nothing is written before all have passed:
 * fd (WV_NOT_MAPPED), rights (ENOTCAPABLE), nwritten pointer, list and buffers
 * (EFAULT), sum of the lengths and offset (EINVAL). Then what write(2) says,
 * translated. Memory behind call->nwritten is touched only on success.
 * Source: WASI preview1 witx, write(2). */
wv_errno wv_fd_write(wv_guest *guest, const wv_call *call);
wv_errno wv_fd_pwrite(wv_guest *guest, const wv_call *call, uint64_t offset);

/* Writes `len` bytes of the host's own that a guest has left in a buffer, all
 * of them where the target takes all. `offset` is negative for a write where
 * the file stands. `*done` counts what went out, also when an error ended it.
 * WV_NOT_MAPPED: the fd is not in the table. */
wv_errno wv_drain(wv_guest *guest, uint32_t fd, uint8_t *buf, uint64_t len,
                  int64_t offset, uint64_t *done);

/* Releases the table and the scratch buffer. */
void wv_guest_free(wv_guest *guest);

#endif
