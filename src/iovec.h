/* From a guest's scatter/gather list to a host's iovecs. */
#ifndef WV_IOVEC_H
#define WV_IOVEC_H

#include <sys/uio.h>

#include "memory.h"

/* IOV_MAX of Linux, macOS and the BSDs. */
#define WV_IOV_MAX 1024

/* The most that one call writes: what Linux takes in one write(2), and within
 * the INT_MAX that the BSDs allow. Pages keep a cut aligned. */
#define WV_WRITE_MAX 0x7ffff000u

/* A list of more than WV_IOV_MAX elements has those up to WV_FOLD_MAX bytes
 * copied together in a scratch buffer, so that one system call takes them. */
#define WV_FOLD_MAX 1024
#define WV_SCRATCH_SIZE 65536

/* One system call's worth of a list. */
typedef struct wv_batch {
  uint64_t bytes;     /* in iov */
  uint64_t total;     /* in the whole list */
  uint64_t next_skip; /* bytes of element `next` that are in this batch */
  uint32_t next;      /* the element that the batch ends before, or in */
  uint32_t count;     /* of iov */
  struct iovec iov[WV_IOV_MAX];
} wv_batch;

/* Checks the whole list and fills `batch` with its beginning, or all of it.
 * Empty elements are dropped, elements that touch are merged.
 *
 * `scratch` has WV_SCRATCH_SIZE bytes, or is NULL: then nothing is folded.
 *
 * EFAULT: the list or a non-empty buffer reaches out of the guest's memory.
 * EINVAL: the lengths add up to more than 32 bits.
 * Source: WASI preview1 witx, `fd_write`, `ciovec_array`; errors of write(2).
 */
wv_errno wv_decode(const wv_memory *memory, uint32_t iovs, uint32_t iovs_len,
                   uint8_t *scratch, wv_batch *batch);

/* Fills `batch` with what comes behind it in the same list, and checks no more
 * than that. */
wv_errno wv_decode_next(const wv_memory *memory, uint32_t iovs,
                        uint32_t iovs_len, uint8_t *scratch, wv_batch *batch);

/* Takes `bytes` off the front of the iovecs. */
void wv_batch_advance(wv_batch *batch, uint64_t bytes);

/* Moves to what follows the first `bytes` of the list, after wv_decode. False:
 * another thread has changed the list, and there is no more. */
bool wv_batch_skip(const wv_memory *memory, uint32_t iovs, uint32_t iovs_len,
                   uint8_t *scratch, wv_batch *batch, uint64_t bytes);

/* Are its buffers better copied together than handed over? */
static inline bool wv_batch_is_small(const wv_batch *batch, uint64_t max,
                                     uint64_t mean) {
  return batch->bytes <= max && batch->bytes <= batch->count * mean;
}

/* Copies the first `limit` bytes, or all if there are fewer, one after the
 * other to `to`. Returns how many. */
size_t wv_batch_gather(const wv_batch *batch, uint8_t *to, size_t limit);

#endif
