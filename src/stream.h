/* One system call for a batch, and how a stream is written and read without
 * blocking.
 *
 * O_NONBLOCK belongs to the open file description that other programs share, so
 * it is never set here. A socket is told with each call. Of a pipe or terminal
 * a description of our own is opened, where the system has a way to it. */
#ifndef WV_STREAM_H
#define WV_STREAM_H

#include "fd_table.h"
#include "iovec.h"

/* The result is that of write(2) and read(2). */
ssize_t wv_write_buffers(int host_fd, const wv_batch *batch);
static inline ssize_t wv_write_batch(int host_fd, const wv_batch *batch) {
  return batch->count == 1 ? wv_sys_write(host_fd, batch->iov[0].iov_base,
                                          batch->iov[0].iov_len)
                           : wv_write_buffers(host_fd, batch);
}
ssize_t wv_pwrite_batch(int host_fd, const wv_batch *batch, int64_t offset);
/* `offset` is negative for a read where the file stands. */
ssize_t wv_read_batch(int host_fd, const wv_batch *batch, int64_t offset);

/* Writes or reads what goes at once, or EAGAIN. Note: where a pipe or terminal
 * of the host can only be polled first, another program that writes or reads it
 * at the same time can make this one wait. */
ssize_t wv_stream_write(wv_fd *entry, const wv_batch *batch);
ssize_t wv_stream_read(wv_fd *entry, const wv_batch *batch);

/* What to poll for room or data. */
int wv_stream_pollfd(const wv_fd *entry);

#endif
