/* From a guest's scatter/gather list to a host's iovecs. */
#ifndef WV_IOVEC_H
#define WV_IOVEC_H

#include <sys/uio.h>

#include "memory.h"

/* IOV_MAX of Linux, macOS and the BSDs. */
#define WV_IOV_MAX 1024

/* The most that one system call writes: the limit of Linux, below the INT_MAX
 * of the BSDs. A multiple of 4096, so that a write is cut at a page. */
#define WV_WRITE_MAX 0x7ffff000u

/* In a list of more than WV_IOV_MAX elements, those of up to WV_FOLD_MAX bytes
 * are copied into a scratch buffer, so that one system call can take all. */
#define WV_FOLD_MAX 1024
#define WV_SCRATCH_SIZE 65536

/* The part of a list that one system call takes. */
typedef struct wv_batch {
  uint64_t bytes;     /* in iov */
  uint64_t total;     /* in the whole list */
  uint64_t next_skip; /* bytes of element `next` that this batch includes */
  uint32_t next;      /* the element that the batch ends in or before */
  uint32_t count;     /* of iov */
  struct iovec iov[WV_IOV_MAX];
} wv_batch;

/* Checks the whole list and fills `batch` with its beginning, or all of it.
 * Empty elements are dropped, elements that touch are merged.
 *
 * `scratch` has WV_SCRATCH_SIZE bytes. If it is NULL, no element is copied
 * there.
 *
 * EFAULT: the list or a non-empty buffer reaches beyond the guest's memory.
 * EINVAL: the lengths add up to more than 32 bits. Source: WASI preview1 witx,
 * `fd_write`, `ciovec_array`; errors of write(2). */
wv_errno wv_decode(const wv_memory *memory, uint32_t iovs, uint32_t iovs_len,
                   uint8_t *scratch, wv_batch *batch);

/* Fills `batch` with the next part of the list, and checks only that part. */
wv_errno wv_decode_next(const wv_memory *memory, uint32_t iovs,
                        uint32_t iovs_len, uint8_t *scratch, wv_batch *batch);

/* Takes `bytes` off the front of the iovecs. */
void wv_batch_advance(wv_batch *batch, uint64_t bytes);

/* Advances past the first `bytes` of the list, after wv_decode. False: nothing
 * is left, since another thread has changed the list. */
bool wv_batch_skip(const wv_memory *memory, uint32_t iovs, uint32_t iovs_len,
                   uint8_t *scratch, wv_batch *batch, uint64_t bytes);

/* Is copying the buffers together cheaper than passing each to the system? */
static inline bool wv_batch_is_small(const wv_batch *batch, uint64_t max,
                                     uint64_t mean) {
  return batch->bytes <= max && batch->bytes <= batch->count * mean;
}

/* Copies up to `limit` bytes of the batch to `to`, without gaps. Returns how
 * many. */
size_t wv_batch_gather(const wv_batch *batch, uint8_t *to, size_t limit);

#endif
