/* Single system calls for a batch, and streams that must not block.
 *
 * O_NONBLOCK belongs to the open file description, which other programs share,
 * so it is never set here. A socket takes a flag with each call. A pipe or
 * terminal is opened once more where the system allows it. */
#ifndef WV_STREAM_H
#define WV_STREAM_H

#include "fd_table.h"
#include "iovec.h"

/* Each returns what write(2) or read(2) returns. */
ssize_t wv_write_buffers(int host_fd, const wv_batch *batch);
static inline ssize_t wv_write_batch(int host_fd, const wv_batch *batch) {
  return batch->count == 1 ? wv_sys_write(host_fd, batch->iov[0].iov_base,
                                          batch->iov[0].iov_len)
                           : wv_write_buffers(host_fd, batch);
}
ssize_t wv_pwrite_batch(int host_fd, const wv_batch *batch, int64_t offset);
/* A negative `offset` reads at the file's position. */
ssize_t wv_read_batch(int host_fd, const wv_batch *batch, int64_t offset);

/* Writes or reads without waiting, or fails with EAGAIN.
 * Note: where the system can only poll a pipe or terminal first, another
 * program that uses it can make the call wait. */
ssize_t wv_stream_write(wv_fd *entry, const wv_batch *batch);
ssize_t wv_stream_read(wv_fd *entry, const wv_batch *batch);

/* The descriptor to poll for room or data. */
int wv_stream_pollfd(const wv_fd *entry);

#endif
